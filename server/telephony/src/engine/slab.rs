//! Things in numbered places: finding one is one step, and a place is used again when its thing is gone.

/// A table of things by place.
#[derive(Debug)]
pub(super) struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Puts a thing into a place and returns its number.
    pub(super) fn add(&mut self, thing: T) -> u32 {
        if let Some(place) = self.free.pop() {
            if let Some(slot) = self.slot(place) {
                *slot = Some(thing);
            }
            return place;
        }
        self.places.push(Some(thing));
        u32::try_from(self.places.len().saturating_sub(1))
            .expect("the limits of the engine are far below 2^32")
    }

    #[inline]
    pub(super) fn at(&self, place: u32) -> Option<&T> {
        self.places.get(usize::try_from(place).ok()?)?.as_ref()
    }

    #[inline]
    pub(super) fn at_mut(&mut self, place: u32) -> Option<&mut T> {
        self.places.get_mut(usize::try_from(place).ok()?)?.as_mut()
    }

    pub(super) fn take(&mut self, place: u32) -> Option<T> {
        let thing = self.slot(place)?.take()?;
        self.free.push(place);
        Some(thing)
    }

    /// Returns how many places are taken.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.places.len().saturating_sub(self.free.len())).unwrap_or(u64::MAX)
    }

    /// Returns the taken places, lowest first.
    pub(super) fn places(&self) -> Vec<u32> {
        (0u32..).zip(&self.places).filter_map(|(place, thing)| thing.is_some().then_some(place)).collect()
    }

    fn slot(&mut self, place: u32) -> Option<&mut Option<T>> {
        self.places.get_mut(usize::try_from(place).ok()?)
    }
}
