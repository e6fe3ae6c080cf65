//! The random streams: independence of order, distributions, determinism.

use caiso_math::{Stream, chi_squared_sf};

#[test]
fn a_stream_is_its_key_and_place_alone() {
    let take = |stream: &mut Stream| (0..9).map(|_| stream.next_u32()).collect::<Vec<_>>();
    let reference = take(&mut Stream::new(7, "RB-PGD-001", 3));
    assert_eq!(take(&mut Stream::new(7, "RB-PGD-001", 3)), reference);
    for other in [
        Stream::new(8, "RB-PGD-001", 3),
        Stream::new(7, "RB-PGD-002", 3),
        Stream::new(7, "RB-PGD-001", 4),
        Stream::new(7, "RB-PGD-001", 3).lane(1),
    ] {
        assert_ne!(take(&mut other.clone()), reference);
    }
    let mut used = Stream::new(7, "RB-PGD-001", 3);
    used.next_u64();
    assert_eq!(take(&mut used.lane(0)), reference, "a lane starts at its beginning");
}

/// Streams are part of the evidence: a change of these numbers changes every digest.
#[test]
fn first_numbers_never_change() {
    let mut stream = Stream::new(42, "FA-GROUP-001", 0);
    let words: Vec<u32> = (0..4).map(|_| stream.next_u32()).collect();
    assert_eq!(words, FIRST);
    let mut stream = Stream::new(42, "FA-GROUP-001", 1);
    assert_eq!(stream.next_normal(), NORMAL);
    assert_eq!(stream.binomial(1000, 0.3), BINOMIAL);
}
const FIRST: [u32; 4] = [2_074_727_013, 3_811_058_486, 3_716_514_012, 1_544_478_327];
const NORMAL: f64 = -0.304_554_571_814_850_8;
const BINOMIAL: u64 = 308;

/// χ² goodness of fit of counts to probabilities, cells with small expectations pooled.
fn fit(counts: &[u64], probabilities: &[f64]) -> f64 {
    let n: u64 = counts.iter().sum();
    let (mut statistic, mut cells) = (0.0, 0_u32);
    let (mut observed, mut expected) = (0.0, 0.0);
    for (i, (&count, &probability)) in counts.iter().zip(probabilities).enumerate() {
        observed += count as f64;
        expected += probability * n as f64;
        if expected >= 10.0 || i + 1 == counts.len() {
            statistic += (observed - expected) * (observed - expected) / f64::max(expected, 1e-9);
            cells += 1;
            (observed, expected) = (0.0, 0.0);
        }
    }
    chi_squared_sf(statistic, cells - 1).unwrap()
}

/// Fixed seeds: these hold for ever once they hold; 1e-4 keeps the choice of seed honest.
const ALPHA: f64 = 1e-4;

#[test]
fn uniform_numbers_fill_their_range() {
    let mut stream = Stream::new(1, "test", 0);
    let (mut coarse, mut fine, mut small) = ([0; 16], [0; 16], [0; 7]);
    for _ in 0..80_000 {
        let (a, b) = (stream.next_f32(), stream.next_f64());
        assert!((0.0..1.0).contains(&a) && (0.0..1.0).contains(&b));
        coarse[(a * 16.0) as usize] += 1;
        fine[(b * 16.0) as usize] += 1;
        small[stream.below(7) as usize] += 1;
    }
    assert!(fit(&coarse, &[1.0 / 16.0; 16]) > ALPHA);
    assert!(fit(&fine, &[1.0 / 16.0; 16]) > ALPHA);
    assert!(fit(&small, &[1.0 / 7.0; 7]) > ALPHA);
    assert_eq!(stream.below(1), 0);
}

#[test]
fn normals_have_the_normal_distribution() {
    let mut stream = Stream::new(2, "test", 0);
    // Sixteen cells of equal probability.
    let mut counts = [0; 16];
    for _ in 0..80_000 {
        let p = caiso_math::normal_cdf(stream.next_normal()).unwrap();
        counts[((p * 16.0) as usize).min(15)] += 1;
    }
    assert!(fit(&counts, &[1.0 / 16.0; 16]) > ALPHA);
}

#[test]
fn binomials_have_the_binomial_distribution() {
    // Inversion, rejection, and the mirrored half of each.
    for (n, p) in
        [(1, 0.5), (12, 0.2), (30, 0.9), (40, 0.5), (300, 0.07), (1000, 0.83), (5000, 0.4)]
    {
        let mut stream = Stream::new(3, "test", n);
        let mut counts = vec![0; n as usize + 1];
        for _ in 0..40_000 {
            counts[stream.binomial(n, p) as usize] += 1;
        }
        let (mut log, mut mass) = (n as f64 * (1.0 - p).ln(), Vec::new());
        for k in 0..=n {
            mass.push(log.exp());
            log += ((n - k) as f64 / (k + 1) as f64).ln() + (p / (1.0 - p)).ln();
        }
        let value = fit(&counts, &mass);
        assert!(value > ALPHA, "binomial({n}, {p}): p = {value}");
    }
    let mut stream = Stream::new(3, "test", 0);
    assert_eq!(
        (stream.binomial(0, 0.5), stream.binomial(9, 0.0), stream.binomial(9, 1.0)),
        (0, 0, 9)
    );
}

#[test]
fn numbers_many_at_a_time_have_their_distributions() {
    let (mut normals, mut uniforms) = (vec![0.0; 100_000], vec![0.0; 100_000]);
    Stream::new(6, "test", 0).fill_normal(&mut normals);
    Stream::new(6, "test", 1).fill_uniform(&mut uniforms);
    let n = normals.len() as f64;
    let moment = |k: i32| normals.iter().map(|&x| f64::from(x).powi(k)).sum::<f64>() / n;
    // Four standard errors: the variances of the powers are 1, 2, 15, 96.
    for (k, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
        let error = (moment(k) - expected).abs();
        assert!(error < 4.0 * f64::sqrt(variance / n), "moment {k} is off by {error}");
    }
    // Neighbours share a radius and an angle, and are independent all the same.
    for lag in [1, 2, 8, 16, 32] {
        let pairs = normals.iter().zip(&normals[lag..]);
        let sums: (f64, f64) = pairs.fold((0.0, 0.0), |(plain, squares), (&a, &b)| {
            let (a, b) = (f64::from(a), f64::from(b));
            (plain + a * b, squares + (a * a - 1.0) * (b * b - 1.0))
        });
        assert!(sums.0.abs() < 4.0 * n.sqrt() && sums.1.abs() < 4.0 * (4.0 * n).sqrt(), "{lag}");
    }
    // Kolmogorov's distance; 1.95 / sqrt(n) is its 0.1 % point.
    normals.sort_by(f32::total_cmp);
    uniforms.sort_by(f32::total_cmp);
    let distance = |values: &[f32], cdf: &dyn Fn(f64) -> f64| {
        let gaps = values.iter().enumerate();
        gaps.map(|(i, &x)| (cdf(f64::from(x)) - i as f64 / n).abs()).fold(0.0, f64::max)
    };
    assert!(distance(&normals, &|x| caiso_math::normal_cdf(x).unwrap()) < 1.95 / n.sqrt());
    assert!(distance(&uniforms, &|x| x) < 1.95 / n.sqrt());
    assert!(uniforms[0] >= 0.0 && uniforms[uniforms.len() - 1] < 1.0);
}

#[test]
fn numbers_many_at_a_time_depend_on_their_place_alone() {
    for used in [0, 1, 4] {
        let mut stream = Stream::new(7, "test", 0);
        for _ in 0..used {
            stream.next_u32();
        }
        let (mut long, mut after) = ([0.0; 100], [0.0; 5]);
        stream.clone().fill_normal(&mut long);
        for length in [1, 31, 32, 33, 64, 99] {
            let (mut short, mut stream) = (vec![0.0; length], stream.clone());
            stream.fill_normal(&mut short);
            assert_eq!(short, long[..length], "{length}");
            stream.fill_normal(&mut after);
            if length % 32 == 0 {
                assert_eq!(after, long[length..length + 5], "a whole group leads to the next");
            }
        }
        let (mut uniforms, mut one) = ([0.0; 32], stream.clone());
        stream.fill_uniform(&mut uniforms);
        if used == 0 {
            // Word by word of eight blocks.
            assert_eq!([uniforms[0], uniforms[8], uniforms[16]], [(); 3].map(|()| one.next_f32()));
        }
    }
}

#[test]
fn multinomials_have_the_moments_and_the_total() {
    let weights = [0, 5, 100, 0, 895, 20];
    let (total, draws, n) = (1020.0, 20_000, 1020);
    let mut stream = Stream::new(4, "test", 0);
    let mut counts = [0; 6];
    let (mut sums, mut squares) = ([0.0; 6], [0.0; 6]);
    for _ in 0..draws {
        stream.multinomial(n, &weights, &mut counts);
        assert_eq!(counts.iter().sum::<u64>(), n);
        for (i, &count) in counts.iter().enumerate() {
            sums[i] += count as f64;
            squares[i] += count as f64 * count as f64;
        }
    }
    for (i, &weight) in weights.iter().enumerate() {
        let p = weight as f64 / total;
        let (mean, variance) = (n as f64 * p, n as f64 * p * (1.0 - p));
        let ours = sums[i] / f64::from(draws);
        assert!((ours - mean).abs() <= 4.0 * (variance / f64::from(draws)).sqrt(), "cell {i}");
        let spread = squares[i] / f64::from(draws) - ours * ours;
        // The standard error of a variance of 20,000 near-normal draws is 1 %.
        assert!(
            (spread - variance).abs() <= 0.05 * variance + 1e-9,
            "cell {i}: {spread} {variance}"
        );
    }
}

#[test]
fn shuffles_reach_every_order_equally() {
    let mut counts = [0; 6];
    for row in 0..12_000 {
        let mut items = [0, 1, 2];
        Stream::new(5, "test", row).shuffle(&mut items);
        let order = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        counts[order.iter().position(|o| *o == items).unwrap()] += 1;
    }
    assert!(fit(&counts, &[1.0 / 6.0; 6]) > ALPHA);
}
