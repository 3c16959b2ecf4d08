"""Documents read as evidence: from files of many formats to passages a draft can be checked against."""

from .document import About, Block, BlockKind, Document, Refused
from .passages import Passage, cut
from .reading import read

__all__ = ["About", "Block", "BlockKind", "Document", "Passage", "Refused", "cut", "read"]
