"""The drug-interaction specialist: contextual drug safety from reviewed tables."""
