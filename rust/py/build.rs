//! Lays `apps/` and `web/` into the out-dir, from where maturin puts them into the wheel as
//! `sems/apps` and `sems/web`: maturin leaves out what a symlink would bring, and plain includes
//! would install stray top-level folders.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    let out_dir = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    for folder in ["apps", "web"] {
        let source = Path::new("../..").join(folder);
        println!("cargo::rerun-if-changed={}", source.display());
        let out = Path::new(&out_dir).join(folder);
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        copy(&source, &out)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') || name == "__pycache__" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
