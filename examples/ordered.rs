//! Members that start one after the other, and stop in reverse.
//!
//!     cargo run --example ordered
//!
//! You see the plan, "db is up" before "web is up", and "web is down" before "db is down".

use ifrit::prelude::*;

fn member(name: &'static str) -> Member {
    let runner = ifrit::run_fn(move |signals, ready| {
        println!("{name} is up");
        ready.notify();
        ifrit::until_stop(&signals);
        println!("{name} is down");
        Ok(())
    });
    Member::new(name, runner)
}

fn main() -> Result<(), ifrit::Error> {
    let app = Ordered::new([member("db"), member("web")]);
    println!("{}\n", app.plan());

    let app = ifrit::invoke(app).started()?; // every member is ready now
    app.signal(Signal::TERMINATE);
    app.join()
}
