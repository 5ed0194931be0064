"""The demonstration company: an invented sales department with truths planted in its files."""
