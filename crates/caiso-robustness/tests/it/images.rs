//! Attacks on images.

use caiso_inference::{Access, Error, Model, ModelSpec};
use caiso_robustness::{Domain, Norm, Settings};
use serde_json::json;

use crate::blackbox::Hidden;
use crate::models::{Network, attack, network};

/// A network that takes its inputs as an image.
struct Shaped<M> {
    model: M,
    spec: ModelSpec,
}

impl<M: Model> Model for Shaped<M> {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn differentiable(&self) -> Option<&dyn caiso_inference::Differentiable> {
        self.model.differentiable()
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        self.model.logits(rows)
    }
}

fn shaped(network: &Network, shape: &[usize], classes: usize) -> Shaped<impl Model> {
    Shaped { model: network.load(), spec: ModelSpec::new(shape.to_vec(), classes) }
}

/// A random network on images of 2 x 6 x 6, and rows with the classes it gives them.
fn case() -> (Network, Domain, Vec<f32>, Vec<usize>) {
    let model = network(&[72, 24, 3], 8);
    let domain = Domain::uniform(72, 0.0, 255.0).unwrap();
    let (rows, labels) = crate::models::rows(&domain, &model, 40, 6);
    (model, domain, rows, labels)
}

fn nearest(norm: Norm) -> Settings {
    Settings::new(norm, None)
}

/// What lights up where: the class is the half with the brighter pixel.
struct Halves(ModelSpec);

impl Model for Halves {
    fn spec(&self) -> &ModelSpec {
        &self.0
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let half = |row: &[f32], columns: std::ops::Range<usize>| {
            let of = |y: usize| columns.clone().map(move |x| row[y * 10 + x]);
            (0..10).flat_map(of).fold(0.0, f32::max)
        };
        Ok(rows.chunks(100).flat_map(|row| [half(row, 0..5), half(row, 5..10)]).collect())
    }
}

#[test]
fn a_spot_is_shifted_and_turned_over_the_middle() {
    let model = Halves(ModelSpec::new(vec![1, 10, 10], 2));
    let domain = Domain::uniform(100, 0.0, 1.0).unwrap();
    // One pixel, one column left of the middle, in the middle of its column and at its end.
    let mut rows = vec![0.0; 300];
    rows[44] = 1.0;
    rows[100 + 4] = 1.0;
    rows[200] = 1.0;
    let found = |parameters: serde_json::Value| -> Vec<bool> {
        let data = (rows.as_slice(), &[0, 0, 0][..]);
        let attacked = attack("spatial", &parameters, &model, &domain, data, &nearest(Norm::L2));
        for result in &attacked.rows {
            assert!(result.flipped.is_none() || result.distances.l2 > 0.0);
        }
        attacked.rows.iter().map(|row| row.flipped.is_some()).collect()
    };
    let still =
        json!({"max_rotation": 0.0, "rotations": 1, "max_translation": 0.0, "translations": 1});
    assert_eq!(found(still), [false; 3]);
    let shift =
        json!({"max_rotation": 0.0, "rotations": 1, "max_translation": 0.1, "translations": 3});
    assert_eq!(found(shift), [true, true, false]);
    // The outer pixel moves farther.
    let turn =
        json!({"max_rotation": 20.0, "rotations": 9, "max_translation": 0.0, "translations": 1});
    assert_eq!(found(turn), [false, true, false]);
    let both =
        json!({"max_rotation": 90.0, "rotations": 19, "max_translation": 0.5, "translations": 11});
    assert_eq!(found(both), [true; 3]);
}

#[test]
fn corruptions_of_all_kinds_are_tried_and_stay_valid() {
    let (network, domain, rows, labels) = case();
    let model = Hidden { model: shaped(&network, &[2, 6, 6], 3), access: Access::Labels };
    let data = (rows.as_slice(), labels.as_slice());
    let run =
        |parameters| attack("corruption", &parameters, &model, &domain, data, &nearest(Norm::L2));
    let all = run(json!({"severity": 5, "repeats": 3}));
    let falls = |attacked: &caiso_robustness::Attacked| {
        attacked.rows.iter().filter(|row| row.flipped.is_some()).count()
    };
    assert!(falls(&all) > 5, "{}", falls(&all));
    for (i, result) in all.rows.iter().enumerate() {
        assert_eq!(result.queries, 1 + 6 + 4 * 3);
        let (row, point) = (&rows[i * 72..][..72], &all.adversarial[i * 72..][..72]);
        assert!(domain.is_valid(row, f64::INFINITY, point));
        let class = model.predict(point).unwrap()[0];
        assert_eq!(result.flipped.unwrap_or(labels[i]), class);
    }
    // The worst of all is what the worst single one is.
    let kinds = [
        "gaussian-noise",
        "shot-noise",
        "impulse-noise",
        "speckle-noise",
        "gaussian-blur",
        "defocus-blur",
        "brightness",
        "contrast",
        "pixelate",
        "jpeg",
    ];
    let mut any = vec![false; labels.len()];
    for kind in kinds {
        let one = run(json!({"kinds": [kind], "severity": 5}));
        for (any, row) in any.iter_mut().zip(&one.rows) {
            *any |= row.flipped.is_some();
        }
    }
    let any = any.iter().filter(|&&any| any).count();
    assert!(any.abs_diff(falls(&all)) <= 6, "{any} one by one, {} together", falls(&all));
}

#[test]
fn a_patch_changes_its_square_only_and_beats_a_grey_one() {
    let (network, domain, rows, labels) = case();
    let model = shaped(&network, &[2, 6, 6], 3);
    let data = (rows.as_slice(), labels.as_slice());
    let run = |parameters| attack("patch", &parameters, &model, &domain, data, &nearest(Norm::L0));
    let falls = |attacked: &caiso_robustness::Attacked| {
        attacked.rows.iter().filter(|row| row.flipped.is_some()).count()
    };
    for place in ["random", "centre", "top-left"] {
        let trained = run(json!({"place": place, "size": 0.5, "steps": 60}));
        let grey = run(json!({"place": place, "size": 0.5, "steps": 1, "step_size": 1e-6}));
        let (ours, theirs) = (falls(&trained), falls(&grey));
        assert!(ours > theirs + 5, "{place}: {ours} of 40 fall, {theirs} to a grey square");
        for result in trained.rows.iter().filter(|row| row.flipped.is_some()) {
            assert!(result.distances.l0 <= 18.0, "3 x 3 pixels of two channels");
        }
    }
    // All rows carry the same square.
    let fixed = run(json!({"place": "centre", "size": 0.5, "steps": 60}));
    let mut squares = Vec::new();
    for (result, point) in fixed.rows.iter().zip(fixed.adversarial.chunks(72)) {
        if result.flipped.is_some() {
            let lines = (1..4).map(|y| point[y * 6 + 1..y * 6 + 4].to_vec());
            squares.push(lines.collect::<Vec<_>>());
        }
    }
    assert!(squares.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn an_image_is_attacked_alike_in_any_batch() {
    let (network, domain, rows, labels) = case();
    let model = shaped(&network, &[2, 6, 6], 3);
    let data = (rows.as_slice(), labels.as_slice());
    for name in ["spatial", "corruption", "patch"] {
        let of = |batch: usize, threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let settings = Settings { batch, ..nearest(Norm::L2) };
            let parameters = if name == "patch" { json!({"steps": 5}) } else { json!({}) };
            pool.install(|| attack(name, &parameters, &model, &domain, data, &settings).adversarial)
        };
        let whole = of(64, 1);
        assert_eq!(of(1, 2), whole, "{name}");
        assert_eq!(of(7, 1), whole, "{name}");
        assert_ne!(whole, rows);
    }
}

#[test]
fn attacks_on_images_refuse_tables() {
    let model = network(&[5, 6, 2], 1).load();
    let domain = Domain::uniform(5, 0.0, 1.0).unwrap();
    for name in ["spatial", "corruption", "patch"] {
        let attack = caiso_robustness::find(name).unwrap();
        let parameters = attack.parameters.resolve(&serde_json::Map::new()).unwrap();
        let rows = [0.5; 5];
        let labels = model.predict(&rows).unwrap();
        let problem = caiso_robustness::Problem {
            model: &model,
            domain: &domain,
            rows: &rows,
            labels: &labels,
            surrogate: None,
        };
        let context = caiso_core::RunContext::with_seed(1);
        let result = caiso_robustness::run(
            attack,
            &parameters,
            &problem,
            &nearest(attack.norms[0]),
            &context,
            &|_| (),
        );
        let message =
            format!("`{name}` attacks images [channels, height, width], the model takes [5]");
        assert_eq!(result.unwrap_err().to_string(), message);
    }
}
