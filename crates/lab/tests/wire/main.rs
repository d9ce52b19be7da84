//! Frames from one interface to another: read, judged and sent, one by one and many at a time.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod links;
#[cfg(test)]
mod setting;
