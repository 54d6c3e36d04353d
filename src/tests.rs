//! What every part of the program must keep to, checked on the source itself, and the harness for whole-app tests.

mod fuzzing;
mod layering;
mod replicas;
