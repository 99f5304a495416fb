use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kmspec_wire::crypto::Block;
use kmspec_wire::guid::Guid;

/// Values that a memory keeps of each kind; a long campaign forgets the rest rather than grow.
const MOST: usize = 1 << 16;

/// What was seen of one host over all its connections: what must be fresh, and what must stay as it is.
///
/// Clones share what they know; give each judge of one target a clone. Without, a judge knows its own connection alone.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    random: BTreeSet<Block>,
    ivs: BTreeSet<Block>,
    epids: BTreeMap<Product, Vec<u8>>,
    hardware_ids: BTreeMap<Product, [u8; 8]>,
}

/// What a host may have an ePID and a hardware id for: application and counted id.
pub(crate) type Product = (Guid, Guid);

impl Memory {
    /// A memory of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether this random block is new.
    pub(crate) fn fresh_random(&self, block: Block) -> bool {
        insert(&mut self.seen().random, block)
    }

    /// Whether this IV is new.
    pub(crate) fn fresh_iv(&self, block: Block) -> bool {
        insert(&mut self.seen().ivs, block)
    }

    /// The ePID seen first for a product.
    pub(crate) fn first_epid(&self, product: Product, epid: &[u8]) -> Vec<u8> {
        first(&mut self.seen().epids, product, epid.to_vec())
    }

    /// The hardware id seen first for a product.
    pub(crate) fn first_hardware_id(&self, product: Product, id: [u8; 8]) -> [u8; 8] {
        first(&mut self.seen().hardware_ids, product, id)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A panic elsewhere leaves sets that are still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn insert(set: &mut BTreeSet<Block>, block: Block) -> bool {
    if set.len() < MOST {
        set.insert(block)
    } else {
        !set.contains(&block)
    }
}

fn first<T: Clone>(map: &mut BTreeMap<Product, T>, product: Product, value: T) -> T {
    if map.len() < MOST {
        map.entry(product).or_insert(value).clone()
    } else {
        map.get(&product).cloned().unwrap_or(value)
    }
}
