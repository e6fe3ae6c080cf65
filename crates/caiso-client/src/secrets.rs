//! Values of the environment, and how they are kept out of messages.

use crate::ClientError;

/// The values that were put into requests and must not be in any message.
#[derive(Default)]
pub(crate) struct Secrets {
    /// Longest first, so that a value within another does not leave the rest of that behind.
    values: Vec<String>,
}

impl Secrets {
    /// `text` with `${NAME}` replaced by what `environment` has under that name.
    pub(crate) fn expand(
        &mut self,
        text: &str,
        place: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, ClientError> {
        let mut whole = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            let value = environment(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                ClientError::Variable { name: name.to_owned(), place: place.to_owned() }
            })?;
            whole.push_str(before);
            whole.push_str(&value);
            self.values.push(value);
            rest = after;
        }
        whole.push_str(rest);
        self.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Ok(whole)
    }

    /// `text` with every such value blotted out.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, value| text.replace(value, "***"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_in_and_blotted_out() {
        let environment = |name: &str| match name {
            "KEY" => Some("s3cret".to_owned()),
            "LONGER" => Some("s3cret-and-more".to_owned()),
            _ => None,
        };
        let mut secrets = Secrets::default();
        let mut expand = |text| secrets.expand(text, "a header", &environment);
        assert_eq!(expand("Bearer ${KEY}").expect("set"), "Bearer s3cret");
        assert_eq!(expand("${LONGER}/${KEY}").expect("set"), "s3cret-and-more/s3cret");
        assert_eq!(expand("$KEY ${KEY").expect("nothing to replace"), "$KEY ${KEY");
        let missing = expand("${ABSENT}").expect_err("not set").to_string();
        assert!(missing.contains("`ABSENT`") && missing.contains("a header"), "{missing}");
        assert_eq!(secrets.redact("sent s3cret-and-more, s3cret"), "sent ***, ***");
    }
}
