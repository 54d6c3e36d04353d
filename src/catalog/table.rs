//! A hash table whose copies share what they have in common: many small tables, each behind an `Arc`.
//!
//! It holds entries that know their own key, so nothing is stored twice; how a key is read from an entry is told with
//! each call.

use std::sync::Arc;

use hashbrown::HashTable;

/// How many small tables there are.
const TABLES: usize = 256;

/// Entries by the hash of their key. Cheap to copy.
#[derive(Debug, Clone)]
pub(super) struct Table<T> {
    tables: Vec<Arc<HashTable<T>>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { tables: (0..TABLES).map(|_| Arc::default()).collect() }
    }
}

impl<T: Clone> Table<T> {
    /// The entry with a hash that is the one.
    pub(super) fn find(&self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&T> {
        self.tables[table_of(hash)].find(hash, is_it)
    }

    /// The same, to be changed.
    pub(super) fn find_mut(&mut self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&mut T> {
        Arc::make_mut(&mut self.tables[table_of(hash)]).find_mut(hash, is_it)
    }

    /// Adds an entry that is not there.
    pub(super) fn insert(&mut self, hash: u64, entry: T, hash_of: impl Fn(&T) -> u64) {
        Arc::make_mut(&mut self.tables[table_of(hash)]).insert_unique(hash, entry, hash_of);
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, hash: u64, is_it: impl FnMut(&T) -> bool) {
        if let Ok(entry) = Arc::make_mut(&mut self.tables[table_of(hash)]).find_entry(hash, is_it) {
            entry.remove();
        }
    }

    /// Changes every entry; its key must stay equal to what it is.
    pub(super) fn each_mut(&mut self, mut change: impl FnMut(&mut T)) {
        self.tables.iter_mut().for_each(|table| Arc::make_mut(table).iter_mut().for_each(&mut change));
    }

    /// Every entry, in no particular order.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.tables.iter().flat_map(|table| table.iter())
    }
}

fn table_of(hash: u64) -> usize {
    // The table itself uses the highest and the lowest bits.
    (hash >> 32) as usize % TABLES
}
