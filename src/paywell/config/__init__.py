"""Settings by environment, root URLs, start-up checks that refuse an unsafe start."""
