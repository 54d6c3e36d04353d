mod config; mod nav; mod page; mod path; mod site;
pub(crate) use site::*;
pub(crate) use page::*;
pub(crate) use config::*;
