"""What is said of an answer in structured reports: measurements, mammography marks, images of interest."""
