//! The outbound SMTP policy.
