//! Maps from the numbers of processes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::error::ProcessId;

/// The numbers are ours and count upwards, so nobody can make them collide, and one multiplication spreads them.
pub(crate) type ById<T> = HashMap<ProcessId, T, BuildHasherDefault<Spread>>;

#[derive(Debug, Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio, as in Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4).
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
