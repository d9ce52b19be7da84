//! Frames to outcomes.
