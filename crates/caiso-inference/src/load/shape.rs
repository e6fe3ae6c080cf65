//! Arithmetic of shapes, and places of values within a row.

/// Number of values; `None` on overflow.
pub(super) fn size(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |size, &length| size.checked_mul(length))
}

/// How far apart neighbours along each axis lie.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut stride = 1_usize;
    let mut strides: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&length| {
            let next = stride.saturating_mul(length);
            std::mem::replace(&mut stride, next)
        })
        .collect();
    strides.reverse();
    strides
}

/// The sums of one offset from each list, the last list running fastest. The total number of sums is that of
/// a row, which is bounded when the row is made.
pub(super) fn places(offsets: &[Vec<usize>]) -> Vec<u32> {
    let mut places = vec![0_u32];
    for axis in offsets {
        places = places
            .iter()
            .flat_map(|&place| {
                axis.iter().map(move |&offset| {
                    place.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX))
                })
            })
            .collect();
    }
    places
}

/// Offsets `0, stride, 2 stride, …`; all zero if the axis is repeated.
pub(super) fn offsets(length: usize, stride: usize, repeated: bool) -> Vec<usize> {
    let stride = if repeated { 0 } else { stride };
    (0..length).map(|index| index.saturating_mul(stride)).collect()
}

/// The common shape of two operands, aligned at their last axes; `None` if there is none.
pub(super) fn broadcast(left: &[usize], right: &[usize]) -> Option<Vec<usize>> {
    let rank = left.len().max(right.len());
    let padded = |shape: &[usize]| -> Vec<usize> {
        let missing = rank.saturating_sub(shape.len());
        std::iter::repeat_n(1, missing).chain(shape.iter().copied()).collect()
    };
    padded(left)
        .into_iter()
        .zip(padded(right))
        .map(|pair| match pair {
            (a, b) if a == b => Some(a),
            (1, b) => Some(b),
            (a, 1) => Some(a),
            _ => None,
        })
        .collect()
}

/// For each place of the shape `out` the place of `shape`, which broadcasts to it.
pub(super) fn broadcast_places(shape: &[usize], out: &[usize]) -> Vec<u32> {
    let missing = out.len().saturating_sub(shape.len());
    let axes = std::iter::repeat_n((1, 0), missing)
        .chain(shape.iter().copied().zip(strides(shape)))
        .zip(out)
        .map(|((own, stride), &length)| offsets(length, stride, own == 1))
        .collect::<Vec<_>>();
    places(&axes)
}

/// An axis counted from the end if negative; `None` if there is no such axis.
pub(super) fn axis(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let axis = if axis < 0 { axis.checked_add(rank)? } else { axis };
    usize::try_from(axis).ok().filter(|_| axis < rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_broadcast_from_their_last_axis() {
        assert_eq!(broadcast(&[3, 1], &[4]), Some(vec![3, 4]));
        assert_eq!(broadcast(&[], &[2, 2]), Some(vec![2, 2]));
        assert_eq!(broadcast(&[3], &[4]), None);
        assert_eq!(broadcast_places(&[2, 1], &[2, 3]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(broadcast_places(&[3], &[2, 3]), [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn axes_count_from_either_end() {
        assert_eq!(axis(-1, 3), Some(2));
        assert_eq!(axis(2, 3), Some(2));
        assert_eq!(axis(3, 3), None);
        assert_eq!(axis(-4, 3), None);
        assert_eq!(axis(i64::MIN, 3), None);
    }
}
