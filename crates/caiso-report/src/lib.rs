//! One report value rendered to HTML, Markdown, JSON and SARIF.
