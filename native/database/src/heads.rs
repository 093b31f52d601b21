//! Searching the beginnings of keys that are numbers: where they lie evenly, two or three steps.

/// The first eight bytes of a key, as the number that sorts like them.
pub(crate) fn head_of(key: &[u8]) -> u64 {
    if let Some(head) = key.first_chunk() {
        return u64::from_be_bytes(*head);
    }
    let mut head = [0; 8];
    for (to, from) in head.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(head)
}

/// Whether one key comes before another; mostly their beginnings tell.
pub(crate) fn is_below(one: &[u8], other: &[u8]) -> bool {
    let (head, other_head) = (head_of(one), head_of(other));
    if head == other_head { one < other } else { head < other_head }
}

/// Where a number that lies `distance` above the first would stand among `count` that lie evenly,
/// the last of them `span` above the first; `distance` does not exceed that.
pub(crate) fn even_place(distance: u64, span: u64, count: usize) -> usize {
    // So many bits of both tell enough; what they are multiplied to fits 64, whose division is
    // several times as fast as one of 128.
    let spare = 32_u32.saturating_sub(span.leading_zeros());
    let last = (count as u64).saturating_sub(1);
    let part = (distance >> spare).saturating_mul(last) / (span >> spare).max(1);
    usize::try_from(part).unwrap_or(0)
}

/// How many of the ascending numbers are less than `wanted`. Ids and hashes lie evenly, so the
/// search begins where they would put it and widens by doubling.
pub(crate) fn count_below(numbers: &[u64], wanted: u64) -> usize {
    let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else { return 0 };
    if wanted <= first {
        return 0;
    }
    if wanted > last {
        return numbers.len();
    }
    let guess = even_place(wanted - first, last - first, numbers.len());
    let below = |index: usize| numbers.get(index).is_some_and(|number| *number < wanted);
    let (mut low, mut high, mut step) = (guess, guess, 1);
    while low > 0 && !below(low) {
        (high, low, step) = (low, low.saturating_sub(step), step * 2);
    }
    while below(high) {
        (low, high, step) = (high, high + step, step * 2);
    }
    let between = numbers.get(low..high.min(numbers.len())).unwrap_or_default();
    low + between.partition_point(|number| *number < wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Keys are told apart as their bytes are, whatever their lengths.
        #[test]
        fn keys_are_compared(
            one in prop::collection::vec(0..3_u8, 0..12), other in prop::collection::vec(0..3_u8, 0..12),
        ) {
            prop_assert_eq!(is_below(&one, &other), one < other);
        }

        /// The search finds what trying each number would, however they lie.
        #[test]
        fn every_number_is_found(
            mut numbers in prop::collection::vec(prop_oneof![0..50_u64, any::<u64>()], 0..200),
            wanted in prop_oneof![0..60_u64, any::<u64>()],
        ) {
            numbers.sort_unstable();
            let below = |wanted: u64| numbers.iter().filter(|number| **number < wanted).count();
            prop_assert_eq!(count_below(&numbers, wanted), below(wanted));
            for number in &numbers {
                prop_assert_eq!(count_below(&numbers, *number), below(*number));
            }
        }
    }
}
