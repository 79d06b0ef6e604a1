//! Atomics. The memory of a model is sequentially consistent, whatever order is asked for.

use std::sync::atomic;
use std::sync::atomic::Ordering;

use super::wait::point;

#[derive(Debug, Default)]
pub(crate) struct AtomicBool(atomic::AtomicBool);

impl AtomicBool {
    pub(crate) const fn new(value: bool) -> Self {
        AtomicBool(atomic::AtomicBool::new(value))
    }

    pub(crate) fn load(&self, order: Ordering) -> bool {
        point();
        self.0.load(order)
    }

    pub(crate) fn store(&self, value: bool, order: Ordering) {
        point();
        self.0.store(value, order);
    }
}

macro_rules! atomic_number {
    ($name:ident, $number:ty) => {
        #[derive(Debug, Default)]
        pub(crate) struct $name(atomic::$name);

        #[allow(dead_code)] // not each is asked for everything
        impl $name {
            pub(crate) const fn new(value: $number) -> Self {
                $name(atomic::$name::new(value))
            }

            pub(crate) fn load(&self, order: Ordering) -> $number {
                point();
                self.0.load(order)
            }

            pub(crate) fn store(&self, value: $number, order: Ordering) {
                point();
                self.0.store(value, order);
            }

            pub(crate) fn fetch_add(&self, value: $number, order: Ordering) -> $number {
                point();
                self.0.fetch_add(value, order)
            }

            pub(crate) fn fetch_sub(&self, value: $number, order: Ordering) -> $number {
                point();
                self.0.fetch_sub(value, order)
            }
        }
    };
}

atomic_number!(AtomicU64, u64);
atomic_number!(AtomicUsize, usize);
