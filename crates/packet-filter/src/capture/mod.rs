//! Capture files, read and written.
