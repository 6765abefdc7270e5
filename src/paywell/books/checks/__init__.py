"""One module for each group of laws. Every query here is its own: nothing of what it checks is called."""
