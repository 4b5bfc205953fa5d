"""What is shown of an answer: segmentations, captures, presentation states, maps and sheets."""
