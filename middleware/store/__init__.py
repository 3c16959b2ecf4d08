"""PostgreSQL: the database, the journal that writes rounds durably, and what is read back."""

from .batch import Guarded, Plain, Write
from .database import Database
from .journal import Journal

__all__ = ["Database", "Guarded", "Journal", "Plain", "Write"]
