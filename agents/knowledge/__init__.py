"""The knowledge specialist: claims of the draft against evidence."""
