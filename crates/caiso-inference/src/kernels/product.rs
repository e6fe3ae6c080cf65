use crate::gemm::{Matrix, multiply};

/// Products of matrices that both differ from row to row: `[m, k]` times `[k, n]`, several for each row.
pub(crate) struct Product {
    pub(crate) m: usize,
    pub(crate) k: usize,
    pub(crate) n: usize,
    /// For each product of a row, which matrices of the row are multiplied.
    pub(crate) pairs: Vec<[u32; 2]>,
}

impl Product {
    pub(super) fn forward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        out: &mut [f32],
    ) {
        let (m, k, n) = (self.m, self.k, self.n);
        let [left, right] = [0, 1].map(|input| &values[inputs[input]]);
        for row in 0..rows {
            let [a, b] = [left, right].map(|values| row_of(values, row, rows));
            let outs = out.chunks_exact_mut(m * n).skip(row * self.pairs.len());
            for (out, [i, j]) in outs.zip(&self.pairs) {
                let a = Matrix::new(&a[*i as usize * m * k..], m, k);
                let b = Matrix::new(&b[*j as usize * k * n..], k, n);
                multiply(out, a, b, false);
            }
        }
    }

    pub(super) fn backward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        seed: &[f32],
        gradients: &mut [Vec<f32>],
    ) {
        let (m, k, n) = (self.m, self.k, self.n);
        let [left, right] = [0, 1].map(|input| &values[inputs[input]]);
        for row in 0..rows {
            let [a, b] = [left, right].map(|values| row_of(values, row, rows));
            let seeds = seed.chunks_exact(m * n).skip(row * self.pairs.len());
            for (seed, [i, j]) in seeds.zip(&self.pairs) {
                let seed = Matrix::new(seed, m, n);
                let (i, j) = (*i as usize * m * k, *j as usize * k * n);
                if !gradients[inputs[0]].is_empty() {
                    let start = row * (left.len() / rows) + i;
                    let gradient = &mut gradients[inputs[0]][start..start + m * k];
                    multiply(gradient, seed, Matrix::new(&b[j..], k, n).transposed(), true);
                }
                if !gradients[inputs[1]].is_empty() {
                    let start = row * (right.len() / rows) + j;
                    let gradient = &mut gradients[inputs[1]][start..start + k * n];
                    multiply(gradient, Matrix::new(&a[i..], m, k).transposed(), seed, true);
                }
            }
        }
    }
}

fn row_of(values: &[f32], row: usize, rows: usize) -> &[f32] {
    let width = values.len() / rows;
    &values[row * width..(row + 1) * width]
}
