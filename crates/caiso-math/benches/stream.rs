//! Random numbers per second, one by one and many at a time.

use caiso_math::Stream;
use divan::counter::ItemsCount;

const COUNT: usize = 4_096;

fn main() {
    divan::main();
}

#[divan::bench]
fn normals_one_by_one(bencher: divan::Bencher<'_, '_>) {
    let (mut stream, mut values) = (Stream::new(1, "bench", 0), vec![0.0; COUNT]);
    bencher.counter(ItemsCount::new(COUNT)).bench_local(|| {
        for value in &mut values {
            *value = stream.next_normal() as f32;
        }
        values[0]
    });
}

#[divan::bench]
fn normals_many_at_a_time(bencher: divan::Bencher<'_, '_>) {
    let (mut stream, mut values) = (Stream::new(1, "bench", 0), vec![0.0; COUNT]);
    bencher.counter(ItemsCount::new(COUNT)).bench_local(|| {
        stream.fill_normal(&mut values);
        values[0]
    });
}

#[divan::bench]
fn uniforms_many_at_a_time(bencher: divan::Bencher<'_, '_>) {
    let (mut stream, mut values) = (Stream::new(1, "bench", 0), vec![0.0; COUNT]);
    bencher.counter(ItemsCount::new(COUNT)).bench_local(|| {
        stream.fill_uniform(&mut values);
        values[0]
    });
}
