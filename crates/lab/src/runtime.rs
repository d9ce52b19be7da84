//! The one tokio runtime of a lab's process.
//!
//! The process that owns the lab makes it, the last of the lab's three: a fork would leave the
//! thread behind, and a process with threads may not leave its user namespace. The thread stays in
//! the lab's own namespaces; a socket belongs to those of the thread that opened it, so sockets are
//! opened inside of a node's ([`Space::run`](crate::network::Space)) and handed over.

use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::error::LabError;

/// A runtime in a thread of its own. Its tasks end when this is dropped.
pub(crate) struct Runtime {
    handle: Handle,
    /// That it goes is what the thread waits for.
    _lives: oneshot::Sender<()>,
}

impl Runtime {
    /// Starts one. What runs on it must not block: it would hold up all else.
    pub(crate) fn start() -> Result<Self, LabError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(LabError::system("starting the runtime"))?;
        let handle = runtime.handle().clone();
        let (lives, ended) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("runtime".to_owned())
            .spawn(move || {
                // Nothing is ever sent.
                let _ = runtime.block_on(ended);
            })
            .map_err(LabError::system("starting a thread"))?;
        Ok(Self { handle, _lives: lives })
    }

    /// By which other threads give it work and wait for what it does.
    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }
}
