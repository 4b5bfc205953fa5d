"""What is true: datasets, splits, metrics, reports; numpy only."""
