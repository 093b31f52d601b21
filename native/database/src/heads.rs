//! Searching the beginnings of keys that are numbers: where they lie evenly, two or three steps.

/// The first eight bytes of a key, as the number that sorts like them.
pub(crate) fn head_of(key: &[u8]) -> u64 {
    let mut head = [0; 8];
    for (to, from) in head.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(head)
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
    let part = u128::from(wanted - first) * (numbers.len() as u128 - 1) / u128::from(last - first);
    let guess = usize::try_from(part).unwrap_or(0);
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
