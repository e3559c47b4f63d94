"""What several test modules share: the runtimes to test on, recordings, walks through decoded values."""
