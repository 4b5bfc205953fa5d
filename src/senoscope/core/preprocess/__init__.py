"""From an image to the array a network takes, and maps back."""
