// The tracker.
