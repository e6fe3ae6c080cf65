//! The one place that multiplies matrices.
//!
//! Rows stay in row-major order and weights are packed once, so nothing is rearranged in a call. Measured
//! with rten-gemm 0.27 on one core with AVX-512 (release): 32 x 64 x 128 at 234 GFLOP/s, 64 x 128 x 64 at
//! 256, 64 x 1024 x 1024 at 261, 64 x 64 x 10 at 72, one row of 64 x 128 in 0.3 µs. With packed weights on the
//! left and features in rows instead, the wide products run level, one row takes 2.7 µs.
//!
//! An output element is summed over `k` in the same order whatever the number of rows and threads: the
//! kernels differ between row counts only in how many rows they hold in registers, and the blocks of `k`
//! have a fixed size. The vector-matrix kernel, which sums otherwise, is reached with unpacked weights only.

use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_tensor::NdTensorView;

thread_local! {
    /// Chooses its kernels by the processor, so it is the same on each thread. (It cannot be sent to another.)
    static EXECUTOR: GemmExecutor = GemmExecutor::default();
}

/// Up to so many rows or columns, those of two classes, a matrix is not worth the library's tiles, which are up
/// to 32 columns wide.
const NARROW: usize = 2;

/// A matrix `[k, n]` on the right-hand side.
pub(crate) enum Packed {
    /// In tiles.
    Tiles(PackedBMatrix<f32>),
    /// One or two columns: four rows each, as `[a0 b0 a1 b1] [a2 b2 a3 b3]`, padded with zeros.
    Columns { k: usize, n: usize, rows: Vec<[[f32; 4]; 2]> },
    /// One or two rows.
    Rows(Vec<Vec<f32>>),
}

impl Packed {
    /// Packs `matrix`, `[k, n]` in row-major order.
    pub(crate) fn new(matrix: &[f32], k: usize, n: usize) -> Self {
        if k <= NARROW {
            Self::Rows(matrix.chunks_exact(n).map(<[f32]>::to_vec).collect())
        } else if n <= NARROW {
            Self::columns(k, n, |i, j| matrix[i * n + j])
        } else {
            let matrix = NdTensorView::from_data([k, n], matrix);
            Self::Tiles(EXECUTOR.with(|executor| executor.prepack_b(matrix)))
        }
    }

    /// Packs the transpose of `matrix`, `[n, k]` in row-major order.
    pub(crate) fn transposed(matrix: &[f32], k: usize, n: usize) -> Self {
        if k <= NARROW {
            let row = |i: usize| matrix.iter().skip(i).step_by(k).copied().collect();
            Self::Rows((0..k).map(row).collect())
        } else if n <= NARROW {
            Self::columns(k, n, |i, j| matrix[j * k + i])
        } else {
            let matrix = NdTensorView::from_data([n, k], matrix);
            Self::Tiles(EXECUTOR.with(|executor| executor.prepack_b(matrix.transposed())))
        }
    }

    fn columns(k: usize, n: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        let value = |i, j| if i < k && j < n { at(i, j) } else { 0.0 };
        let pair = |i| [value(i, 0), value(i, 1), value(i + 1, 0), value(i + 1, 1)];
        let rows = (0..k).step_by(4).map(|i| [pair(i), pair(i + 2)]).collect();
        Self::Columns { k, n, rows }
    }

    /// Number of columns.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Tiles(matrix) => matrix.cols(),
            Self::Columns { n, .. } => *n,
            Self::Rows(rows) => rows.first().map_or(0, Vec::len),
        }
    }
}

/// `out = left * right`, or `out += left * right`; `left` is `[rows, k]`, `out` `[rows, n]`.
pub(crate) fn gemm(out: &mut [f32], left: &[f32], right: &Packed, accumulate: bool) {
    match right {
        Packed::Tiles(right) => {
            let k = right.rows();
            let left = NdTensorView::from_data([left.len() / k, k], left);
            let options =
                GemmOptions { beta: if accumulate { 1.0 } else { 0.0 }, ..GemmOptions::default() };
            let right = GemmInputB::Packed(right);
            EXECUTOR
                .with(|executor| executor.gemm(out, GemmInputA::Unpacked(left), right, options))
                .expect(
                    "shapes are checked when a graph is loaded, and the packing is this executor's",
                );
        }
        Packed::Columns { k, n, rows } => {
            for (out, left) in out.chunks_exact_mut(*n).zip(left.chunks_exact(*k)) {
                for (out, product) in out.iter_mut().zip(narrow(left, rows)) {
                    *out = if accumulate { *out + product } else { product };
                }
            }
        }
        Packed::Rows(rows) => {
            let n = right.outputs();
            for (out, left) in out.chunks_exact_mut(n).zip(left.chunks_exact(rows.len())) {
                if !accumulate {
                    out.fill(0.0);
                }
                match (left, rows.as_slice()) {
                    // The way back from the logits of two classes.
                    (&[a, b], [first, second]) => {
                        for (out, (first, second)) in out.iter_mut().zip(first.iter().zip(second)) {
                            *out += a * first + b * second;
                        }
                    }
                    _ => {
                        for (factor, row) in left.iter().zip(rows) {
                            for (out, value) in out.iter_mut().zip(row) {
                                *out += factor * value;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Products of up to so many multiplications are not worth the library's packing.
const SMALL: usize = 4096;

/// A matrix `[rows, columns]` that is used once.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// The values lie column after column.
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// The first values, in row-major order.
    pub(crate) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { values: &values[..rows * columns], rows, columns, transposed: false }
    }

    pub(crate) fn transposed(self) -> Self {
        let (rows, columns) = (self.columns, self.rows);
        Self { rows, columns, transposed: !self.transposed, ..self }
    }

    fn strides(self) -> (usize, usize) {
        if self.transposed { (1, self.rows) } else { (self.columns, 1) }
    }

    fn view(self) -> NdTensorView<'a, f32, 2> {
        if self.transposed {
            NdTensorView::from_data([self.columns, self.rows], self.values).transposed()
        } else {
            NdTensorView::from_data([self.rows, self.columns], self.values)
        }
    }
}

/// `out = left * right`, or `out += left * right`, of matrices that are used once.
pub(crate) fn multiply(out: &mut [f32], left: Matrix<'_>, right: Matrix<'_>, accumulate: bool) {
    let (k, n) = (left.columns, right.columns);
    if left.rows * k * n > SMALL && left.rows > 1 {
        let options =
            GemmOptions { beta: if accumulate { 1.0 } else { 0.0 }, ..GemmOptions::default() };
        let (left, right) = (GemmInputA::Unpacked(left.view()), GemmInputB::Unpacked(right.view()));
        return EXECUTOR
            .with(|executor| executor.gemm(out, left, right, options))
            .expect("shapes are checked when a graph is loaded");
    }
    if !accumulate {
        out.fill(0.0);
    }
    let ((down, across), (step, next)) = (left.strides(), right.strides());
    for (i, out) in out.chunks_exact_mut(n).enumerate() {
        for p in 0..k {
            let factor = left.values[i * down + p * across];
            if next == 1 {
                for (out, value) in out.iter_mut().zip(&right.values[p * step..]) {
                    *out += factor * value;
                }
            } else {
                let column = right.values[p * step..].iter().step_by(next);
                for (out, value) in out.iter_mut().zip(column) {
                    *out += factor * value;
                }
            }
        }
    }
}

/// One row of a product with two columns: four partial sums of each, added pairwise.
fn narrow(left: &[f32], rows: &[[[f32; 4]; 2]]) -> [f32; NARROW] {
    let mut sums = [[0.0; 4]; 2];
    let mut add = |[a, b, c, d]: [f32; 4], [first, second]: &[[f32; 4]; 2]| {
        for (lane, factor) in [a, a, b, b].into_iter().enumerate() {
            sums[0][lane] += factor * first[lane];
        }
        for (lane, factor) in [c, c, d, d].into_iter().enumerate() {
            sums[1][lane] += factor * second[lane];
        }
    };
    let (whole, rest) = left.as_chunks::<4>();
    for (left, rows) in whole.iter().zip(rows) {
        add(*left, rows);
    }
    if let (false, Some(rows)) = (rest.is_empty(), rows.get(whole.len())) {
        add(std::array::from_fn(|i| rest.get(i).copied().unwrap_or(0.0)), rows);
    }
    let [a, b] = sums;
    [(a[0] + b[0]) + (a[2] + b[2]), (a[1] + b[1]) + (a[3] + b[3])]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of a product has the same bits however many rows are multiplied at once, for sizes around
    /// those of the kernels' tiles and blocks, on one thread and on several.
    #[test]
    fn a_row_of_a_product_does_not_depend_on_the_other_rows() {
        let number = |i: usize| ((i * 2_654_435_761) % 1009) as f32 / 311.0 - 1.6;
        for (k, n) in
            [(1, 1), (12, 32), (3, 40), (37, 2), (64, 10), (257, 33), (300, 300), (700, 129)]
        {
            let weights: Vec<f32> = (0..k * n).map(number).collect();
            let left: Vec<f32> = (0..67 * k).map(|i| number(i + 5)).collect();
            let packed = Packed::new(&weights, k, n);
            let product = |rows: &[f32]| {
                let mut out = vec![0.5; rows.len() / k * n];
                gemm(&mut out, rows, &packed, true);
                out
            };
            let whole = product(&left);
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    for size in [1, 2, 5, 6, 7, 8, 13, 31, 64, 67] {
                        let parts: Vec<f32> = left.chunks(size * k).flat_map(product).collect();
                        assert!(
                            parts.iter().zip(&whole).all(|(a, b)| a.to_bits() == b.to_bits()),
                            "{k} x {n} in parts of {size} rows on {threads} threads"
                        );
                    }
                });
            }
        }
    }

    #[test]
    fn products_are_those_of_the_definition_in_every_form() {
        for (k, n) in [(1, 1), (2, 16), (16, 2), (21, 3), (4, 5), (5, 4), (17, 33), (300, 40)] {
            let number = |i: usize| ((i * 7919) % 257) as f32 / 64.0 - 2.0;
            let weights: Vec<f32> = (0..k * n).map(number).collect();
            let turned: Vec<f32> = (0..k * n).map(|i| weights[(i % k) * n + i / k]).collect();
            let left: Vec<f32> = (0..7 * k).map(|i| number(i + 100)).collect();
            for packed in [Packed::new(&weights, k, n), Packed::transposed(&turned, k, n)] {
                assert_eq!(packed.outputs(), n);
                for accumulate in [false, true] {
                    let mut out = vec![2.0; 7 * n];
                    gemm(&mut out, &left, &packed, accumulate);
                    for (place, out) in out.iter().enumerate() {
                        let (row, j) = (place / n, place % n);
                        let terms = (0..k).map(|i| left[row * k + i] * weights[i * n + j]);
                        let expected = terms.sum::<f32>() + if accumulate { 2.0 } else { 0.0 };
                        assert!((out - expected).abs() <= 1e-5 * k as f32, "{k} {n} {place}");
                    }
                }
            }
        }
    }

    #[test]
    fn packing_a_transpose_is_packing_the_transposed() {
        let matrix: Vec<f32> = (0..6).map(|i| i as f32).collect();
        let mut out = [0.0; 3];
        gemm(&mut out, &[1.0, 10.0], &Packed::transposed(&matrix, 2, 3), false);
        assert_eq!(out, [10.0, 32.0, 54.0]);
        gemm(&mut out, &[1.0, 10.0], &Packed::new(&matrix, 2, 3), false);
        assert_eq!(out, [30.0, 41.0, 52.0]);
    }
}
