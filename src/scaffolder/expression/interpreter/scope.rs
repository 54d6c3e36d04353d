//! Where names live while a template runs.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::super::plan::Slot;
use super::super::value::Value;

/// A frame of names set at run time. An isolated frame keeps every assignment; others pass an assignment on to the
/// frame that has the name.
pub(super) struct Scope {
    parent: Option<Rc<Scope>>,
    is_isolated: bool,
    entries: RefCell<Vec<(Rc<str>, Value)>>,
}

impl Scope {
    pub(super) fn new(parent: Option<Rc<Scope>>, is_isolated: bool) -> Scope {
        Scope { parent, is_isolated, entries: RefCell::default() }
    }

    pub(super) fn child(self: &Rc<Self>, is_isolated: bool) -> Rc<Scope> {
        Rc::new(Scope::new(Some(self.clone()), is_isolated))
    }

    /// Sets the name in this very frame.
    pub(super) fn set(&self, name: &Rc<str>, value: Value) {
        let mut entries = self.entries.borrow_mut();
        match entries.iter_mut().find(|(own, _)| own == name) {
            Some(entry) => entry.1 = value,
            None => entries.push((name.clone(), value)),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Value> {
        let mut scope = Some(self);
        while let Some(current) = scope {
            if let Some((_, value)) = current.entries.borrow().iter().find(|(own, _)| &**own == name) {
                return Some(value.clone());
            }
            scope = current.parent.as_deref();
        }
        None
    }

    /// Sets the name where it is known, or here.
    pub(super) fn assign(&self, name: &Rc<str>, value: Value) {
        let mut scope = self;
        while !scope.is_isolated && !scope.has_own(name) {
            match &scope.parent {
                Some(parent) if parent.can_assign(name) => scope = parent,
                _ => break,
            }
        }
        scope.set(name, value);
    }

    fn has_own(&self, name: &str) -> bool {
        self.entries.borrow().iter().any(|(own, _)| &**own == name)
    }

    fn can_assign(&self, name: &str) -> bool {
        let mut scope = self;
        loop {
            if scope.has_own(name) {
                return true;
            }
            match &scope.parent {
                Some(parent) if !scope.is_isolated => scope = parent,
                _ => return false,
            }
        }
    }
}

/// The variables of one compiled function, by slot.
pub(super) struct Frame {
    parent: Option<Rc<Frame>>,
    values: RefCell<HashMap<Slot, Value>>,
}

impl Frame {
    pub(super) fn new(slots: &[Slot], parent: Option<Rc<Frame>>) -> Frame {
        Frame { parent, values: RefCell::new(slots.iter().map(|slot| (*slot, Value::Undefined)).collect()) }
    }

    pub(super) fn get(&self, slot: Slot) -> Value {
        match self.values.borrow().get(&slot) {
            Some(value) => value.clone(),
            None => self.parent.as_ref().map_or(Value::Undefined, |parent| parent.get(slot)),
        }
    }

    pub(super) fn set(&self, slot: Slot, value: Value) {
        if let Some(own) = self.values.borrow_mut().get_mut(&slot) {
            *own = value;
        } else if let Some(parent) = &self.parent {
            parent.set(slot, value);
        }
    }
}
