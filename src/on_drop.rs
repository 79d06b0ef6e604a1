//! Something to be done when a scope is left, also by a panic: [`OnDrop`].

/// Does it when it is dropped.
#[must_use = "it is done at once when this is not kept"]
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
