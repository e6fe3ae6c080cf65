//! Recurrent cells (Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Cho et al., "Learning Phrase
//! Representations using RNN Encoder-Decoder", 2014; in the forms of the ONNX standard).

use crate::gemm::{Packed, gemm};

/// One direction of a recurrent layer over `steps` places of a sequence.
///
/// The first input holds what the inputs contribute to the gates, `[steps, gates * hidden]`; the next ones the
/// initial states, where there are any. The output holds for each place what [`width`](Self::width) says: the
/// state, then what the way back needs.
pub(crate) struct Recurrent {
    cell: Cell,
    steps: usize,
    hidden: usize,
    reverse: bool,
    /// What the last state contributes to the gates: in parts, each with the way back.
    weights: Vec<[Packed; 2]>,
    /// Bias of the state's contribution to the candidate of a GRU that multiplies before the reset.
    bias: Vec<f32>,
    initial: [bool; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Gates: input, output, forget, candidate.
    Lstm,
    /// Gates: update, reset, candidate.
    Gru {
        multiply_first: bool,
    },
    Tanh,
    Relu,
    Sigmoid,
}

impl Cell {
    pub(crate) fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru { .. } => 3,
            Self::Tanh | Self::Relu | Self::Sigmoid => 1,
        }
    }

    /// Blocks of `hidden` values for each place: state, cell or contribution of the state, gates.
    fn blocks(self) -> usize {
        match self {
            Self::Lstm | Self::Gru { .. } => self.gates() + 2,
            Self::Tanh | Self::Relu | Self::Sigmoid => 1,
        }
    }
}

impl Recurrent {
    /// From weights `[gates * hidden, hidden]`.
    pub(crate) fn new(
        cell: Cell,
        [steps, hidden]: [usize; 2],
        reverse: bool,
        weights: &[f32],
        bias: Vec<f32>,
        initial: [bool; 2],
    ) -> Self {
        let packed = |weights: &[f32]| {
            let columns = weights.len() / hidden;
            [Packed::transposed(weights, hidden, columns), Packed::new(weights, columns, hidden)]
        };
        let parts = match cell {
            Cell::Gru { .. } => {
                let (gates, candidate) = weights.split_at(2 * hidden * hidden);
                vec![packed(gates), packed(candidate)]
            }
            _ => vec![packed(weights)],
        };
        Self { cell, steps, hidden, reverse, weights: parts, bias, initial }
    }

    /// Values for each place of the sequence; the first `hidden` are the state, the next the cell of an LSTM.
    pub(crate) fn width(&self) -> usize {
        self.cell.blocks() * self.hidden
    }

    fn order(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        (0..self.steps).map(|step| if self.reverse { self.steps - 1 - step } else { step })
    }

    fn before(&self, place: usize) -> Option<usize> {
        if self.reverse {
            Some(place + 1).filter(|&place| place < self.steps)
        } else {
            place.checked_sub(1)
        }
    }

    /// Block `block` of what a row had at the place before this one; at the first one the initial state.
    fn last<'v>(
        &self,
        [row, place, block]: [usize; 3],
        out: &'v [f32],
        inputs: &[usize],
        values: &'v [Vec<f32>],
    ) -> Option<&'v [f32]> {
        let hidden = self.hidden;
        match self.before(place) {
            Some(place) => {
                let start = (row * self.steps + place) * self.width() + block * hidden;
                Some(&out[start..start + hidden])
            }
            None if self.initial[block] => {
                let input = 1 + usize::from(block == 1 && self.initial[0]);
                Some(&values[inputs[input]][row * hidden..(row + 1) * hidden])
            }
            None => None,
        }
    }

    pub(super) fn forward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        out: &mut [f32],
    ) {
        let (h, gates) = (self.hidden, self.cell.gates());
        let (wide, width) = (gates * h, self.width());
        let mut states = vec![0.0; rows * h];
        let mut sums = vec![0.0; rows * wide];
        let mut cells = vec![0.0; h];
        for place in self.order() {
            for (row, state) in states.chunks_exact_mut(h).enumerate() {
                match self.last([row, place, 0], out, inputs, values) {
                    Some(last) => state.copy_from_slice(last),
                    None => state.fill(0.0),
                }
            }
            let from = &values[inputs[0]];
            let given = |row: usize| {
                let start = (row * self.steps + place) * wide;
                &from[start..start + wide]
            };
            let Cell::Gru { multiply_first } = self.cell else {
                gemm(&mut sums, &states, &self.weights[0][0], false);
                for (row, sums) in sums.chunks_exact_mut(wide).enumerate() {
                    for (sum, given) in sums.iter_mut().zip(given(row)) {
                        *sum += given;
                    }
                    let start = (row * self.steps + place) * width;
                    if self.cell == Cell::Lstm {
                        match self.last([row, place, 1], out, inputs, values) {
                            Some(last) => cells.copy_from_slice(last),
                            None => cells.fill(0.0),
                        }
                        lstm(sums, &cells, &mut out[start..start + width]);
                    } else {
                        for (out, sum) in out[start..start + h].iter_mut().zip(sums) {
                            *out = self.activate(*sum);
                        }
                    }
                }
                continue;
            };
            let mut pairs = vec![0.0; rows * 2 * h];
            gemm(&mut pairs, &states, &self.weights[0][0], false);
            let mut inner = states.clone();
            for (row, pair) in pairs.chunks_exact_mut(2 * h).enumerate() {
                for (index, value) in pair.iter_mut().enumerate() {
                    *value = sigmoid(*value + given(row)[index]);
                    if index >= h && !multiply_first {
                        inner[row * h + index - h] *= *value;
                    }
                }
            }
            let mut candidates = vec![0.0; rows * h];
            gemm(&mut candidates, &inner, &self.weights[1][0], false);
            for row in 0..rows {
                let start = (row * self.steps + place) * width;
                let out = &mut out[start..start + width];
                for i in 0..h {
                    let (update, reset) = (pairs[row * 2 * h + i], pairs[row * 2 * h + h + i]);
                    let contribution = candidates[row * h + i] + self.bias[i];
                    let factor = if multiply_first { reset } else { 1.0 };
                    let candidate = (given(row)[2 * h + i] + factor * contribution).tanh();
                    out[i] = (1.0 - update) * candidate + update * states[row * h + i];
                    out[h + i] = contribution;
                    (out[2 * h + i], out[3 * h + i], out[4 * h + i]) = (update, reset, candidate);
                }
            }
        }
    }

    fn activate(&self, x: f32) -> f32 {
        match self.cell {
            Cell::Relu => super::dense::floor_or_nan(x, 0.0),
            Cell::Sigmoid => sigmoid(x),
            _ => x.tanh(),
        }
    }

    pub(super) fn backward(
        &self,
        rows: usize,
        inputs: &[usize],
        values: &[Vec<f32>],
        out: &[f32],
        seed: &[f32],
        gradients: &mut [Vec<f32>],
    ) {
        let (h, gates, width) = (self.hidden, self.cell.gates(), self.width());
        let wide = gates * h;
        // Derivatives with respect to the state and the cell that a place hands to the next.
        let (mut states, mut cells) = (vec![0.0; rows * h], vec![0.0; rows * h]);
        let mut slopes = vec![0.0; rows * wide];
        let mut inner = vec![0.0; rows * h];
        let zero = vec![0.0; h];
        for place in self.order().rev() {
            let mut carried = vec![0.0; rows * h];
            for row in 0..rows {
                let start = (row * self.steps + place) * width;
                let (out_row, seed) = (&out[start..start + width], &seed[start..start + width]);
                let state = &mut states[row * h..(row + 1) * h];
                for (state, seed) in state.iter_mut().zip(seed) {
                    *state += seed;
                }
                let slopes = &mut slopes[row * wide..(row + 1) * wide];
                match self.cell {
                    Cell::Lstm => {
                        let cell = &mut cells[row * h..(row + 1) * h];
                        for (cell, seed) in cell.iter_mut().zip(&seed[h..]) {
                            *cell += seed;
                        }
                        let last = self.last([row, place, 1], out, inputs, values);
                        lstm_back(out_row, last.unwrap_or(&zero), state, cell, slopes);
                    }
                    Cell::Gru { multiply_first } => {
                        let last = self.last([row, place, 0], out, inputs, values);
                        let last = last.unwrap_or(&zero);
                        for i in 0..h {
                            let [update, reset, candidate] =
                                [2, 3, 4].map(|block| out_row[block * h + i]);
                            let towards = state[i] * (1.0 - update);
                            slopes[2 * h + i] = towards * (1.0 - candidate * candidate);
                            slopes[i] = state[i] * (last[i] - candidate) * update * (1.0 - update);
                            let factor = if multiply_first { reset } else { 1.0 };
                            inner[row * h + i] = slopes[2 * h + i] * factor;
                            slopes[h + i] =
                                slopes[2 * h + i] * out_row[h + i] * reset * (1.0 - reset);
                            carried[row * h + i] = state[i] * update;
                        }
                    }
                    Cell::Tanh | Cell::Relu | Cell::Sigmoid => {
                        for ((slope, state), out) in slopes.iter_mut().zip(state).zip(out_row) {
                            *slope = *state
                                * match self.cell {
                                    Cell::Relu => f32::from(*out > 0.0),
                                    Cell::Sigmoid => out * (1.0 - out),
                                    _ => 1.0 - out * out,
                                };
                        }
                    }
                }
            }
            if let Cell::Gru { multiply_first } = self.cell {
                let mut through = vec![0.0; rows * h];
                gemm(&mut through, &inner, &self.weights[1][1], false);
                for row in 0..rows {
                    let start = (row * self.steps + place) * width;
                    let last = self.last([row, place, 0], out, inputs, values).unwrap_or(&zero);
                    for i in 0..h {
                        let reset = out[start + 3 * h + i];
                        let factor = if multiply_first { 1.0 } else { reset };
                        carried[row * h + i] += through[row * h + i] * factor;
                        if !multiply_first {
                            slopes[row * wide + h + i] =
                                through[row * h + i] * last[i] * reset * (1.0 - reset);
                        }
                    }
                }
                let pairs: Vec<f32> = slopes
                    .chunks_exact(wide)
                    .flat_map(|slopes| &slopes[..2 * h])
                    .copied()
                    .collect();
                gemm(&mut carried, &pairs, &self.weights[0][1], true);
            } else {
                gemm(&mut carried, &slopes, &self.weights[0][1], false);
            }
            let gradient = &mut gradients[inputs[0]];
            if !gradient.is_empty() {
                for (row, slopes) in slopes.chunks_exact(wide).enumerate() {
                    let start = (row * self.steps + place) * wide;
                    for (gradient, slope) in gradient[start..start + wide].iter_mut().zip(slopes) {
                        *gradient += slope;
                    }
                }
            }
            states = carried;
        }
        let initial = [(self.initial[0], states), (self.initial[1], cells)];
        let initial = initial.into_iter().filter(|(present, _)| *present);
        for (&slot, (_, derivatives)) in inputs.iter().skip(1).zip(initial) {
            for (gradient, derivative) in gradients[slot].iter_mut().zip(derivatives) {
                *gradient += derivative;
            }
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    super::Unary::Sigmoid.apply(x)
}

/// State, cell and gates from the sums of the gates and the last cell.
fn lstm(sums: &[f32], last: &[f32], out: &mut [f32]) {
    let h = last.len();
    for i in 0..h {
        let [input, output, forget] = [0, 1, 2].map(|gate| sigmoid(sums[gate * h + i]));
        let candidate = sums[3 * h + i].tanh();
        let cell = forget * last[i] + input * candidate;
        out[i] = output * cell.tanh();
        out[h + i] = cell;
        for (gate, value) in [input, output, forget, candidate].into_iter().enumerate() {
            out[(gate + 2) * h + i] = value;
        }
    }
}

/// Derivatives with respect to the gates, and in `cell` with respect to the last cell.
fn lstm_back(out: &[f32], last: &[f32], state: &[f32], cell: &mut [f32], slopes: &mut [f32]) {
    let h = last.len();
    for i in 0..h {
        let [input, output, forget, candidate] = [2, 3, 4, 5].map(|block| out[block * h + i]);
        let squashed = out[h + i].tanh();
        cell[i] += state[i] * output * (1.0 - squashed * squashed);
        slopes[i] = cell[i] * candidate * input * (1.0 - input);
        slopes[h + i] = state[i] * squashed * output * (1.0 - output);
        slopes[2 * h + i] = cell[i] * last[i] * forget * (1.0 - forget);
        slopes[3 * h + i] = cell[i] * input * (1.0 - candidate * candidate);
        cell[i] *= forget;
    }
}
