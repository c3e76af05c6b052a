"""What is heard: sounds, recordings, samples, rooms, and what lines are like. The samples are the core's."""
