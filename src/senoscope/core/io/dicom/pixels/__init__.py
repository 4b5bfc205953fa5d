"""The pixels of a DICOM object: from bytes of a frame to what the modality meant to show."""
