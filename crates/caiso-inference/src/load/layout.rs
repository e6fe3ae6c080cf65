//! Where the batch axis belongs among the axes of a row.
//!
//! The program knows rows only, one behind the other. Exporters also write graphs with the batch as second
//! axis (recurrent layers, attention) or joined with a neighbour (`[batch * heads, …]`): both is a matter of
//! names as long as the order of a row's own values stays.

use super::operators::Fault;
use super::shape;
use super::value::{Dim, Rows, Value};

/// The batch axis in the shape of the whole: the row axes before `axis`, the batch, the other row axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// Row axes before the batch.
    pub(super) axis: usize,
    /// The row axis before the batch forms one axis with it.
    pub(super) outer: bool,
    /// The row axis after the batch forms one axis with it.
    pub(super) inner: bool,
}

impl Layout {
    fn joined(self) -> usize {
        usize::from(self.outer).saturating_add(usize::from(self.inner))
    }

    /// Index of the batch axis in the shape of the whole.
    pub(super) fn position(self) -> usize {
        self.axis.saturating_sub(usize::from(self.outer))
    }
}

impl Rows {
    /// Number of axes of the whole.
    pub(super) fn rank(&self) -> usize {
        self.shape.len().saturating_add(1).saturating_sub(self.layout.joined())
    }

    /// The place in a row's shape of an axis of the whole.
    pub(super) fn row_axis(&self, axis: i64) -> Result<usize, Fault> {
        let (rank, position) = (self.rank(), self.layout.position());
        let index = shape::axis(axis, rank)
            .ok_or_else(|| Fault::Graph(format!("there is no axis {axis} among {rank}")))?;
        if index == position {
            return Err(Fault::Unsupported(format!("axis = {axis} mixes the rows of a batch")));
        }
        Ok(if index < position {
            index
        } else {
            index.saturating_sub(1).saturating_add(self.layout.joined())
        })
    }

    /// The shape of the whole.
    pub(super) fn dims(&self) -> Vec<Dim> {
        let known = |&length: &usize| Dim::Known(i64::try_from(length).unwrap_or(i64::MAX));
        let Layout { axis, inner, .. } = self.layout;
        let position = self.layout.position();
        let behind = axis.saturating_add(usize::from(inner));
        let joined = self.shape.get(position..behind).and_then(shape::size).unwrap_or(1);
        let before = self.shape.iter().take(position).map(known);
        let batch = Dim::Batch(i64::try_from(joined).unwrap_or(i64::MAX));
        before.chain([batch]).chain(self.shape.iter().skip(behind).map(known)).collect()
    }

    /// Row axes after the batch and what is joined with it.
    fn free(&self) -> usize {
        let taken = self.layout.axis.saturating_add(usize::from(self.layout.inner));
        self.shape.len().saturating_sub(taken)
    }

    /// The layout of what another shape of this row, aligned at the last axis, has.
    pub(super) fn layout_for(&self, rank: usize) -> Layout {
        let behind = self.shape.len().saturating_sub(self.layout.axis);
        Layout { axis: rank.saturating_sub(behind), ..self.layout }
    }

    /// The shape of a constant, aligned with a row at the last axis: without the axis of the batch.
    pub(super) fn align(&self, constant: &[usize]) -> Result<Vec<usize>, Fault> {
        let mut shape = constant.to_vec();
        if let Some(place) = constant.len().checked_sub(self.free()).and_then(|n| n.checked_sub(1))
        {
            if constant.get(place) != Some(&1) {
                return Err(Fault::Unsupported(
                    "a constant differs between the rows of a batch".to_owned(),
                ));
            }
            let ones = std::iter::repeat_n(1, self.layout.joined());
            shape.splice(place..place.saturating_add(1), ones);
        }
        Ok(shape)
    }

    /// Checks that the batch lies at the same distance from the last axis.
    pub(super) fn check_alignment(&self, other: &Self) -> Result<(), Fault> {
        let distance = |rows: &Self| rows.shape.len().saturating_sub(rows.layout.axis);
        let joined = |rows: &Self| (rows.layout.outer, rows.layout.inner);
        if distance(self) == distance(other) && joined(self) == joined(other) {
            return Ok(());
        }
        Err(Fault::Unsupported(format!(
            "operands of shape {:?} and {:?} mix the rows of a batch",
            self.dims(),
            other.dims()
        )))
    }

    /// The same slot without some axes of a row, each of length 1.
    pub(super) fn without_axes(&self, dropped: &[usize]) -> Self {
        let kept = |(index, _): &(usize, &usize)| !dropped.contains(index);
        let shape = self.shape.iter().enumerate().filter(kept).map(|(_, length)| *length);
        let before = dropped.iter().filter(|&&index| index < self.layout.axis).count();
        let axis = self.layout.axis.saturating_sub(before);
        Self { shape: shape.collect(), layout: Layout { axis, ..self.layout }, slot: self.slot }
    }

    /// The same slot in another shape of the whole: `target`, in which 0 (if not `keep_zero`) stands for the length
    /// that the axis of that index has and one -1 for what is left.
    pub(super) fn reshaped(
        &self,
        target: &[Dim],
        keep_zero: bool,
        fixed_batch: Option<usize>,
    ) -> Result<Self, Fault> {
        let mixes =
            || Fault::Unsupported(format!("a reshape to {target:?} mixes the rows of a batch"));
        let own = self.dims();
        let mut dims = Vec::with_capacity(target.len());
        for (index, dim) in target.iter().enumerate() {
            dims.push(match dim {
                Dim::Known(0) if !keep_zero => *own.get(index).ok_or_else(|| {
                    Fault::Graph(format!("there is no axis to copy for {target:?}"))
                })?,
                dim => *dim,
            });
        }
        let (lengths, position) = match fixed_batch {
            Some(batch) => self.fixed(&dims, batch).ok_or_else(mixes)?,
            None => self.symbolic(&dims).ok_or_else(mixes)?,
        };
        // Values before the batch must stay before it.
        let before = self.shape.get(..self.layout.axis).and_then(shape::size).unwrap_or(0);
        let first = lengths.get(..position).and_then(shape::size).unwrap_or(0);
        let outer = before.checked_div(first).filter(|_| before.is_multiple_of(first));
        let joined = lengths.get(position).copied().unwrap_or(0);
        let (Some(outer), Some(inner)) = (
            outer,
            outer.and_then(|outer| {
                joined.checked_div(outer).filter(|_| joined.is_multiple_of(outer))
            }),
        ) else {
            return Err(mixes());
        };
        let mut shape: Vec<usize> = lengths.get(..position).unwrap_or_default().to_vec();
        let mut layout = Layout { axis: position, outer: outer > 1, inner: inner > 1 };
        if layout.outer {
            shape.push(outer);
            layout.axis = layout.axis.saturating_add(1);
        }
        if layout.inner {
            shape.push(inner);
        }
        shape.extend(lengths.iter().skip(position.saturating_add(1)));
        if shape::size(&shape) != shape::size(&self.shape) {
            return Err(mixes());
        }
        Ok(Self { slot: self.slot, shape, layout })
    }

    /// Lengths of `dims`, that of the batch divided by the number of rows, and where the batch is.
    fn symbolic(&self, dims: &[Dim]) -> Option<(Vec<usize>, usize)> {
        let length = |dim: &Dim| match dim {
            Dim::Batch(length) | Dim::Known(length) => *length,
        };
        let open = |dim: &Dim| length(dim) == -1;
        let mut lengths = Vec::with_capacity(dims.len());
        for dim in dims.iter().filter(|dim| !open(dim)) {
            lengths.push(usize::try_from(length(dim)).ok()?);
        }
        let (known, size) = (shape::size(&lengths)?, shape::size(&self.shape)?);
        let mut batches = dims.iter().enumerate().filter(|(_, dim)| matches!(dim, Dim::Batch(_)));
        let batch = batches.next().map(|(index, _)| index);
        let mut opens = dims.iter().enumerate().filter(|(_, dim)| open(dim));
        let inferred = opens.next().map(|(index, _)| index);
        if batches.next().is_some() || opens.next().is_some() {
            return None;
        }
        if let Some(index) = inferred {
            let rest = size.checked_div(known).filter(|_| size.is_multiple_of(known))?;
            lengths.insert(index, rest);
        }
        Some((lengths, batch.or(inferred)?))
    }

    /// The same where the file fixes the number of rows.
    fn fixed(&self, dims: &[Dim], batch: usize) -> Option<(Vec<usize>, usize)> {
        let rows = i64::try_from(batch).ok()?;
        let length = |dim: &Dim| match dim {
            Dim::Batch(times) => times.saturating_mul(rows),
            Dim::Known(length) => *length,
        };
        let known: Vec<usize> =
            dims.iter().map(|dim| usize::try_from(length(dim)).unwrap_or(1)).collect();
        let mut lengths = known;
        let size = shape::size(&self.shape)?.checked_mul(batch)?;
        let mut opens = dims.iter().enumerate().filter(|(_, dim)| length(dim) == -1);
        if let Some((index, _)) = opens.next() {
            let known = shape::size(&lengths)?;
            *lengths.get_mut(index)? = size.checked_div(known)?;
        }
        if opens.next().is_some() || shape::size(&lengths)? != size {
            return None;
        }
        let before = self.shape.get(..self.layout.axis).and_then(shape::size)?;
        let fits = |&(index, length): &(usize, &usize)| {
            let first = lengths.get(..index).and_then(shape::size).unwrap_or(0);
            let outer = before.checked_div(first).filter(|_| before.is_multiple_of(first));
            outer.is_some_and(|outer| length.is_multiple_of(outer.saturating_mul(batch)))
        };
        let candidates: Vec<_> = lengths.iter().enumerate().filter(fits).collect();
        let exact = candidates.iter().find(|(_, length)| **length == batch);
        let (position, _) = *exact.or(candidates.first())?;
        if let Some(length) = lengths.get_mut(position) {
            *length = length.checked_div(batch)?;
        }
        Some((lengths, position))
    }
}

impl Value {
    /// The shape of a row, or of a constant.
    pub(super) fn shape(&self) -> Result<&[usize], Fault> {
        match self {
            Self::Rows(rows) => Ok(&rows.shape),
            Self::Constant(constant) => Ok(&constant.shape),
            Self::Label(_) => Err(Fault::Unsupported("it computes with class names".to_owned())),
            Self::Unsupported => Err(Fault::Unsupported(String::new())),
        }
    }

    /// Number of axes of the whole.
    pub(super) fn rank(&self) -> Result<usize, Fault> {
        match self {
            Self::Rows(rows) => Ok(rows.rank()),
            _ => Ok(self.shape()?.len()),
        }
    }

    /// The place in [`shape`](Self::shape) of an axis of the whole.
    pub(super) fn row_axis(&self, axis: i64) -> Result<usize, Fault> {
        if let Self::Rows(rows) = self {
            rows.row_axis(axis)
        } else {
            let rank = self.shape()?.len();
            shape::axis(axis, rank)
                .ok_or_else(|| Fault::Graph(format!("there is no axis {axis} among {rank}")))
        }
    }

    /// Number of values along an axis of the whole, and how far apart they lie.
    pub(super) fn along(&self, axis: i64) -> Result<(usize, usize), Fault> {
        let index = self.row_axis(axis)?;
        let shape = self.shape()?;
        let length = shape.get(index).copied().unwrap_or(1);
        Ok((length, shape::strides(shape).get(index).copied().unwrap_or(1)))
    }
}
