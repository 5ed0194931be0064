"""Speed and scale; never part of the test run."""
