//! A pattern that is searched in a spelled text: a secret, or its base64 or hex.
//!
//! The search is a bit-parallel automaton (Shift-And): bit `i` of a place says that the first `i + 1` bytes of the
//! pattern can be read just before it. Its work per byte of the text is bounded by the length of the pattern divided by
//! 64, whatever either holds.

use secrecy::zeroize::Zeroizing;

use super::spelling::{Reading, Spelled, cuts, readings};

/// The longest part of a pattern that is searched as one. Longer ones are searched in parts.
const LONGEST: usize = 512;

/// The shortest beginning of a pattern that counts as the pattern, cut short. Ordinary words are shorter, or more than
/// the pattern's fourth part.
const SHORTEST_CUT: usize = 8;

/// What a byte of a pattern matches.
#[derive(Clone, Copy)]
pub(super) enum Class {
    /// This byte.
    Exactly(u8),
    /// This byte, in upper or lower case. `+` also matches the space that a form makes of it.
    AnyCase(u8),
    /// White space of any length, or the `+` that a form makes of a space.
    Blank,
    /// This character of base64, in either alphabet and either case.
    Base64(u8),
    /// Any character of base64.
    AnyBase64,
}

/// What may stand between the bytes of a pattern.
#[derive(Clone, Copy)]
pub(super) enum Gaps {
    /// More white space, where there is some.
    Blank,
    /// Any number of these bytes.
    Of(&'static [u8]),
}

pub(super) struct Needle {
    length: usize,
    /// The shortest beginning that counts as the pattern where the text was cut short.
    shortest_cut: usize,
    /// For each byte, the places in the pattern that it matches.
    masks: Zeroizing<Vec<u64>>,
    /// The places after which a separator may stand.
    gaps: Vec<u64>,
    separators: &'static [u8],
}

/// A text that is searched, decoded as often as its bytes say.
pub(super) struct Layer {
    bytes: Vec<Spelled>,
    readings: Vec<[Option<Reading>; 3]>,
    cuts: Vec<Option<usize>>,
}

impl Layer {
    pub(super) fn new(bytes: Vec<Spelled>) -> Self {
        let readings = (0..bytes.len()).map(|at| readings(&bytes, at)).collect();
        let cuts = cuts(&bytes);
        Self { bytes, readings, cuts }
    }

    pub(super) fn bytes(&self) -> &[Spelled] {
        &self.bytes
    }

    fn mark(&self, from: usize, to: usize, marks: &mut [bool]) {
        for spelled in &self.bytes[from..to] {
            marks[spelled.start..spelled.end].fill(true);
        }
    }
}

impl Needle {
    /// Makes the needles of a pattern: one, or several if it is long. If `shortest_cut` is `None`, only the whole
    /// pattern counts.
    pub(super) fn all(pattern: &[Class], gaps: Gaps) -> Vec<Self> {
        let parts = pattern.len().div_ceil(LONGEST);
        if parts == 0 {
            return Vec::new();
        }
        let cut = SHORTEST_CUT.max(pattern.len().min(LONGEST).div_ceil(4));
        let first = Self::new(&pattern[..pattern.len() / parts], gaps, cut);
        // What stands before a later part has matched already.
        let later = (1..parts).map(|part| {
            let (start, end) = (pattern.len() * part / parts, pattern.len() * (part + 1) / parts);
            Self::new(&pattern[start..end], gaps, SHORTEST_CUT)
        });
        std::iter::once(first).chain(later).collect()
    }

    fn new(pattern: &[Class], gaps: Gaps, shortest_cut: usize) -> Self {
        let width = pattern.len().div_ceil(64);
        let mut masks = Zeroizing::new(vec![0; 256 * width]);
        let mut gap_places = vec![0; width];
        for (place, class) in pattern.iter().enumerate() {
            let (word, bit) = (place / 64, 1_u64 << (place % 64));
            class.each_byte(|byte| masks[usize::from(byte) * width + word] |= bit);
            let may_be_followed = match gaps {
                Gaps::Blank => matches!(class, Class::Blank),
                Gaps::Of(_) => place + 1 < pattern.len(),
            };
            gap_places[word] |= if may_be_followed { bit } else { 0 };
        }
        let separators = match gaps {
            Gaps::Blank => b" ",
            Gaps::Of(separators) => separators,
        };
        Self { length: pattern.len(), shortest_cut, masks, gaps: gap_places, separators }
    }

    /// Marks what spells this pattern, or a beginning of it that was cut short. Returns how many steps that took.
    pub(super) fn search(&self, text: &Layer, marks: &mut [bool]) -> usize {
        let width = self.gaps.len();
        let mut reached = vec![0_u64; (text.bytes.len() + 1) * width];
        let (mut steps, mut is_found) = (0, false);
        for at in 0..text.bytes.len() {
            for Reading { byte, length } in text.readings[at].into_iter().flatten() {
                let mask = self.mask(byte);
                let (before, after) = reached.split_at_mut((at + 1) * width);
                let from = &before[at * width..];
                let to = &mut after[(length - 1) * width..length * width];
                let mut carry = 1;
                for word in 0..width {
                    to[word] |= (from[word] << 1 | carry) & mask[word];
                    carry = from[word] >> 63;
                    if self.separators.contains(&byte) {
                        to[word] |= from[word] & self.gaps[word];
                    }
                }
                steps += width;
            }
            is_found |= self.accepts(&reached[(at + 1) * width..(at + 2) * width], text.cuts[at + 1].is_some());
        }
        if is_found { steps + self.mark(text, &reached, marks) } else { steps }
    }

    /// Marks every byte on a way through the text that ends in a match: backwards, from the matches.
    fn mark(&self, text: &Layer, reached: &[u64], marks: &mut [bool]) -> usize {
        let width = self.gaps.len();
        let place = |at: usize| &reached[at * width..(at + 1) * width];
        let mut matching = vec![0_u64; reached.len()];
        let mut steps = 0;
        for at in (0..=text.bytes.len()).rev() {
            let cut = text.cuts[at].filter(|_| self.accepts(place(at), true));
            if let Some(end) = cut {
                text.mark(at, end, marks);
            }
            for word in 0..width {
                matching[at * width + word] |= place(at)[word] & self.accepted(word, cut.is_some());
            }
            let readings = text.readings.get(at).into_iter().flatten().flatten();
            for Reading { byte, length } in readings {
                let mask = self.mask(*byte);
                let (here, after) = matching.split_at_mut((at + 1) * width);
                let here = &mut here[at * width..];
                let next = &after[(length - 1) * width..length * width];
                let (mut carry, mut is_match) = (1, false);
                let mut used = vec![0_u64; width];
                for word in 0..width {
                    let from = place(at)[word];
                    used[word] = next[word] & (from << 1 | carry) & mask[word];
                    carry = from >> 63;
                    let gap = if self.separators.contains(byte) { next[word] & from & self.gaps[word] } else { 0 };
                    here[word] |= gap;
                    is_match |= (used[word] | gap) != 0;
                }
                for word in 0..width {
                    let above = used.get(word + 1).map_or(0, |above| above << 63);
                    here[word] |= (used[word] >> 1 | above) & place(at)[word];
                }
                if is_match {
                    text.mark(at, at + length, marks);
                }
                steps += width;
            }
        }
        steps
    }

    fn mask(&self, byte: u8) -> &[u64] {
        let width = self.gaps.len();
        &self.masks[usize::from(byte) * width..(usize::from(byte) + 1) * width]
    }

    fn accepts(&self, places: &[u64], is_cut: bool) -> bool {
        places.iter().enumerate().any(|(word, places)| places & self.accepted(word, is_cut) != 0)
    }

    /// Returns the places of this word at which the pattern counts as read.
    fn accepted(&self, word: usize, is_cut: bool) -> u64 {
        let shortest = if is_cut { self.shortest_cut.min(self.length) } else { self.length };
        let (first, last) = (shortest.saturating_sub(1), self.length - 1);
        let from = |place: usize| match place.checked_sub(word * 64) {
            None => u64::MAX,
            Some(bit) if bit < 64 => u64::MAX << bit,
            Some(_) => 0,
        };
        from(first) & !from(last + 1)
    }
}

impl Class {
    fn each_byte(self, mut matches: impl FnMut(u8)) {
        let mut any_case = |byte: u8| {
            matches(byte.to_ascii_lowercase());
            matches(byte.to_ascii_uppercase());
        };
        match self {
            Self::Exactly(byte) => matches(byte),
            Self::AnyCase(b'+') | Self::Blank => b" +".iter().copied().for_each(matches),
            Self::Base64(b'+' | b'-') => b"+- ".iter().copied().for_each(matches),
            Self::Base64(b'/' | b'_') => b"/_".iter().copied().for_each(matches),
            Self::AnyCase(byte) | Self::Base64(byte) => any_case(byte),
            Self::AnyBase64 => {
                (0..=u8::MAX).filter(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte)).for_each(matches);
            }
        }
    }
}
