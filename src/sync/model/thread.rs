//! Threads, which are tasks here.

pub(crate) use shuttle::thread::{Scope, ThreadId, current, scope, yield_now};

use std::io;
use std::panic::Location;

use super::fault::{Fault, is_seeded};
use super::wait::choose;
use super::{late, meter};
use shuttle_engine::runtime::execution::ExecutionState;
use shuttle_engine::runtime::task::TaskId;

/// How much it takes to run what is under test, in a build that is not optimised.
const STACK_SIZE: usize = 512 * 1024;

#[derive(Debug)]
pub(crate) struct Builder(shuttle::thread::Builder);

impl Builder {
    pub(crate) fn new() -> Self {
        Builder(shuttle::thread::Builder::new().stack_size(STACK_SIZE))
    }

    pub(crate) fn name(self, name: String) -> Self {
        Builder(self.0.name(name))
    }

    pub(crate) fn stack_size(self, _size: usize) -> Self {
        self
    }

    #[track_caller]
    pub(crate) fn spawn<T: Send + 'static>(
        self,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<shuttle::thread::JoinHandle<T>> {
        if is_seeded(Fault::Refused, Location::caller()) && choose(2) == 1 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        meter::thread();
        self.0.spawn(to_its_end(body))
    }

    #[track_caller]
    pub(crate) fn spawn_scoped<'scope, T: Send + 'scope>(
        self,
        scope: &'scope Scope<'scope, '_>,
        body: impl FnOnce() -> T + Send + 'scope,
    ) -> io::Result<shuttle::thread::ScopedJoinHandle<'scope, T>> {
        meter::thread();
        Ok(scope.spawn(to_its_end(body)))
    }
}

fn to_its_end<T>(body: impl FnOnce() -> T) -> impl FnOnce() -> T {
    || {
        let result = body();
        late::end();
        result
    }
}

/// A task has no number at the operating system.
pub(crate) fn os_id() -> Option<u32> {
    None
}

/// The execution does not wait for its end.
pub(crate) fn start_forever(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = Builder::new().name(name.to_owned());
    let handle = builder.0.spawn(to_its_end(body))?;
    let task = TaskId::from(usize::from(handle.thread().id()));
    ExecutionState::with(|state| state.detach(task));
    Ok(())
}
