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

use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_tensor::NdTensorView;

thread_local! {
    /// Chooses its kernels by the processor, so it is the same on each thread. (It cannot be sent to another.)
    static EXECUTOR: GemmExecutor = GemmExecutor::default();
}

/// A matrix `[k, n]` on the right-hand side.
pub(crate) struct Packed(PackedBMatrix<f32>);

impl Packed {
    /// Packs `matrix`, `[k, n]` in row-major order.
    pub(crate) fn new(matrix: &[f32], k: usize, n: usize) -> Self {
        let matrix = NdTensorView::from_data([k, n], matrix);
        Self(EXECUTOR.with(|executor| executor.prepack_b(matrix)))
    }

    /// Packs the transpose of `matrix`, `[n, k]` in row-major order.
    pub(crate) fn transposed(matrix: &[f32], k: usize, n: usize) -> Self {
        let matrix = NdTensorView::from_data([n, k], matrix);
        Self(EXECUTOR.with(|executor| executor.prepack_b(matrix.transposed())))
    }

    pub(crate) fn outputs(&self) -> usize {
        self.0.cols()
    }
}

/// `out = left * right + bias`, or `out += …`; `left` is `[rows, k]`, `out` `[rows, n]`, `bias` `[n]`.
pub(crate) fn gemm(
    out: &mut [f32],
    left: &[f32],
    right: &Packed,
    bias: Option<&[f32]>,
    accumulate: bool,
) {
    let k = right.0.rows();
    let left = NdTensorView::from_data([left.len() / k, k], left);
    let options = GemmOptions {
        beta: if accumulate { 1.0 } else { 0.0 },
        bias: bias.map(BiasVector::Row),
        ..GemmOptions::default()
    };
    let right = GemmInputB::Packed(&right.0);
    EXECUTOR
        .with(|executor| executor.gemm(out, GemmInputA::Unpacked(left), right, options))
        .expect("shapes are checked when a graph is loaded, and the packing is this executor's");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of a product has the same bits however many rows are multiplied at once, for sizes around
    /// those of the kernels' tiles and blocks, on one thread and on several.
    #[test]
    fn a_row_of_a_product_does_not_depend_on_the_other_rows() {
        let number = |i: usize| ((i * 2_654_435_761) % 1009) as f32 / 311.0 - 1.6;
        for (k, n) in [(1, 1), (12, 32), (64, 10), (257, 33), (300, 300), (700, 129)] {
            let weights: Vec<f32> = (0..k * n).map(number).collect();
            let left: Vec<f32> = (0..67 * k).map(|i| number(i + 5)).collect();
            let packed = Packed::new(&weights, k, n);
            let product = |rows: &[f32]| {
                let mut out = vec![0.5; rows.len() / k * n];
                gemm(&mut out, rows, &packed, Some(&weights[..n]), true);
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
    fn packing_a_transpose_is_packing_the_transposed() {
        let matrix: Vec<f32> = (0..6).map(|i| i as f32).collect();
        let mut out = [0.0; 3];
        gemm(&mut out, &[1.0, 10.0], &Packed::transposed(&matrix, 2, 3), None, false);
        assert_eq!(out, [10.0, 32.0, 54.0]);
        gemm(&mut out, &[1.0, 10.0], &Packed::new(&matrix, 2, 3), None, false);
        assert_eq!(out, [30.0, 41.0, 52.0]);
    }
}
