//! Brings what an attack found nearer to its row, at a few queries: attacks that step around the decision boundary end a few
//! percent beyond it.

use crate::batch::Batch;
use crate::{Norm, RobustnessError};

/// Bisects the segment between each row and its adversarial example; under L0 gives changed features their own values back,
/// the least changed first, wherever the example stays adversarial without. `steps` 0: does nothing.
pub(crate) fn refine(batch: &mut Batch<'_, '_>, steps: u32) -> Result<(), RobustnessError> {
    let found = |&row: &usize| {
        let found = &batch.found[row];
        // A row that cannot afford all of it is left as it is.
        let affordable = batch.affords(row, u64::from(steps));
        found.is_adversarial() && found.distance > 0.0 && affordable
    };
    let rows: Vec<usize> = batch.all().into_iter().filter(found).collect();
    if rows.is_empty() || steps == 0 {
        return Ok(());
    }
    match batch.task.norm {
        Norm::L0 => restore(batch, rows),
        Norm::Linf | Norm::L2 | Norm::L1 => bisect(batch, &rows, steps),
    }
}

fn bisect(batch: &mut Batch<'_, '_>, rows: &[usize], steps: u32) -> Result<(), RobustnessError> {
    let ends = batch.nearest(rows);
    let mut points = ends.clone();
    let mut shares = vec![(0.0_f32, 1.0_f32); rows.len()];
    for _ in 0..steps {
        let width = batch.width;
        for (k, &row) in rows.iter().enumerate() {
            let share = f32::midpoint(shares[k].0, shares[k].1);
            let span = k * width..(k + 1) * width;
            let pairs = batch.origin_of(row).iter().zip(&ends[span.clone()]);
            for (value, (&own, &end)) in points[span].iter_mut().zip(pairs) {
                *value = own + share * (end - own);
            }
        }
        batch.evaluate(rows, &points)?;
        for ((low, high), &fooled) in shares.iter_mut().zip(batch.fooled()) {
            *(if fooled { high } else { low }) = f32::midpoint(*low, *high);
        }
    }
    Ok(())
}

fn restore(batch: &mut Batch<'_, '_>, mut rows: Vec<usize>) -> Result<(), RobustnessError> {
    let width = batch.width;
    let mut points = batch.nearest(&rows);
    // What is still to be tried of each row, the least changed feature last.
    let mut changed: Vec<Vec<usize>> = rows
        .iter()
        .zip(points.chunks_exact(width))
        .map(|(&row, point)| {
            let own = batch.origin_of(row);
            let mut changed: Vec<usize> = (0..width).filter(|&j| point[j] != own[j]).collect();
            changed
                .sort_by(|&a, &b| (point[b] - own[b]).abs().total_cmp(&(point[a] - own[a]).abs()));
            changed
        })
        .collect();
    while !rows.is_empty() {
        let mut k = 0;
        while k < rows.len() {
            if changed[k].is_empty() || !batch.affords(rows[k], 1) {
                rows.swap_remove(k);
                changed.swap_remove(k);
                let last = points.len() - width;
                points.copy_within(last.., k * width);
                points.truncate(last);
            } else {
                k += 1;
            }
        }
        let mut tried = Vec::with_capacity(rows.len());
        for (k, &row) in rows.iter().enumerate() {
            let j = changed[k].pop().expect("rows with nothing to try are gone");
            tried.push((k * width + j, points[k * width + j]));
            points[k * width + j] = batch.origin_of(row)[j];
        }
        batch.evaluate(&rows, &points)?;
        for ((at, value), &fooled) in tried.into_iter().zip(batch.fooled()) {
            if !fooled {
                points[at] = value;
            }
        }
    }
    Ok(())
}
