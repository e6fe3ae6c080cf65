//! Rows attacked per second, on one thread: PGD with 20 steps on the example's network, all inputs free.
//! `xtask/parity/foolbox_pgd.py` measures the same for Foolbox.

use caiso_core::RunContext;
use caiso_inference::OnnxModel;
use caiso_robustness::{CHECKS, Domain, FeatureDomain, Norm, Problem, Settings, find, run};
use divan::counter::ItemsCount;

#[expect(dead_code, reason = "the tests use the rest")]
#[path = "../tests/it/models.rs"]
mod models;
#[path = "../tests/it/mortgage.rs"]
mod mortgage;

fn main() {
    divan::main();
}

#[divan::bench(args = [64, 1190])]
fn pgd_20_steps(bencher: divan::Bencher<'_, '_>, count: usize) {
    let model = OnnxModel::load(mortgage::MODEL).expect("the example's model loads");
    let (rows, labels) = mortgage::data();
    let (rows, labels) = (&rows[..count * 12], &labels[..count]);
    let free = |&(lower, upper): &(f64, f64)| FeatureDomain::continuous("f", lower, upper);
    let domain = Domain::new(mortgage::BOUNDS.iter().map(free).collect()).expect("intervals");
    let attack = find("bim").expect("a name");
    let given = serde_json::json!({"steps": 20, "relative_step_size": 0.1});
    let parameters =
        attack.parameters.resolve(given.as_object().expect("an object")).expect("valid");
    let problem = Problem { model: &model, domain: &domain, rows, labels, surrogate: None };
    let (settings, context) = (Settings::new(Norm::Linf, Some(0.05)), RunContext::with_seed(1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    bencher.counter(ItemsCount::new(count)).bench(|| {
        pool.install(|| run(attack, &parameters, &problem, &settings, &context, &|_| ()))
            .expect("it runs")
    });
}

/// 64 rows of 64 features on a network with layers of 128 and 64 and ten classes, epsilon 0.05: PGD with 20 steps, APGD with
/// 100, and the whole of AutoAttack.
#[divan::bench(args = ["pgd", "apgd-ce", "autoattack"])]
fn network(bencher: divan::Bencher<'_, '_>, name: &str) {
    let domain = Domain::uniform(64, 0.0, 1.0).expect("an interval");
    let network = models::network(&[64, 128, 64, 10], 7);
    let (rows, labels) = models::rows(&domain, &network, 64, 7);
    let model = network.load();
    let attack = find(name).expect("a name");
    let given = match name {
        "pgd" => serde_json::json!({"steps": 20, "random_start": false}),
        _ => serde_json::json!({}),
    };
    let parameters =
        attack.parameters.resolve(given.as_object().expect("an object")).expect("valid");
    let problem =
        Problem { model: &model, domain: &domain, rows: &rows, labels: &labels, surrogate: None };
    let (settings, context) = (Settings::new(Norm::Linf, Some(0.05)), RunContext::with_seed(1));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    bencher.counter(ItemsCount::new(64_usize)).bench(|| {
        pool.install(|| run(attack, &parameters, &problem, &settings, &context, &|_| ()))
            .expect("it runs")
    });
}

/// A whole check with its default parameters on the example's manifest, all rows.
#[divan::bench(args = ["RB-FGSM-001", "RB-PGD-001"])]
fn check(bencher: divan::Bencher<'_, '_>, code: &str) {
    let check = CHECKS.iter().find(|check| check.meta.code == code).expect("a code");
    let parameters = check.parameters.resolve(&serde_json::Map::new()).expect("defaults");
    let input = mortgage::input();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let context = RunContext::with_seed(1);
    bencher.bench(|| pool.install(|| (check.run)(&input, &parameters, &context)));
}
