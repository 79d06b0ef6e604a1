//! Maps from the numbers of processes, and how maps give room back.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

use crate::id::ProcessId;

/// The crate makes the numbers, counting upwards, so that no user can make them collide, and one multiplication spreads
/// them.
pub(crate) type ById<T> = HashMap<ProcessId, T, BuildHasherDefault<Spread>>;

/// Takes an entry out, and gives room back where little of it is used.
pub(crate) fn take_out<K, V, S, Q>(map: &mut HashMap<K, V, S>, key: &Q) -> Option<V>
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ?Sized,
    S: BuildHasher,
{
    let value = map.remove(key);
    if map.capacity() > 1_024 && map.len() < map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
    value
}

#[derive(Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0.rotate_left(32) // the upper half is the one that is spread, and the map looks at the lower first
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_spread_too() {
        let hash = |bytes: &[u8]| {
            let mut hasher = Spread::default();
            hasher.write(bytes);
            hasher.finish()
        };
        assert_eq!(hash(b"ab"), hash(b"ab"));
        assert_ne!(hash(b"ab"), hash(b"ba"));
    }
}
