//! Event patterns, as an event source mapping's filter criteria write them: which records a function wants.
//! It judges JSON values and nothing else.

use serde_json::Value;

/// Checks that a pattern uses only what [`matches`] knows; the problem otherwise.
///
/// # Errors
/// A sentence naming what is not known.
pub fn check(pattern: &Value) -> Result<(), String> {
    match pattern {
        Value::Object(fields) => fields.iter().try_for_each(|(key, inner)| match inner {
            Value::Array(tests) => tests.iter().try_for_each(check_test),
            Value::Object(_) if !key.starts_with('$') => check(inner),
            _ => Err(format!("a filter's {key} is neither a list nor an object")),
        }),
        _ => Err("a filter is an object".to_owned()),
    }
}

fn check_test(test: &Value) -> Result<(), String> {
    let Value::Object(operators) = test else {
        return Ok(());
    };
    for (operator, operand) in operators {
        let known = match operator.as_str() {
            "prefix" | "suffix" | "equals-ignore-case" => operand.is_string(),
            "exists" => operand.is_boolean(),
            "anything-but" => match operand {
                Value::Object(_) => {
                    check_test(operand)?;
                    true
                }
                _ => true,
            },
            "numeric" => operand.as_array().is_some_and(|pairs| {
                pairs.len() % 2 == 0
                    && pairs.chunks(2).all(|pair| {
                        ["=", "<", "<=", ">", ">="].contains(&pair[0].as_str().unwrap_or_default())
                            && pair[1].is_number()
                    })
            }),
            _ => false,
        };
        if !known {
            return Err(format!("a filter's {operator} is not understood"));
        }
    }
    Ok(())
}

/// Whether an event meets a pattern: every field named by it has one of the values it lists.
#[must_use]
pub fn matches(pattern: &Value, event: Option<&Value>) -> bool {
    let Value::Object(fields) = pattern else {
        return false;
    };
    fields.iter().all(|(key, inner)| {
        let value = event.and_then(|event| event.get(key));
        match inner {
            Value::Array(tests) => tests.iter().any(|test| match value {
                Some(Value::Array(values)) => values.iter().any(|one| meets(test, Some(one))),
                value => meets(test, value),
            }),
            _ => matches(inner, value),
        }
    })
}

fn meets(test: &Value, value: Option<&Value>) -> bool {
    let Value::Object(operators) = test else {
        return value == Some(test);
    };
    let text = value.and_then(Value::as_str);
    operators.iter().all(|(operator, operand)| {
        let operand_text = operand.as_str().unwrap_or_default();
        match operator.as_str() {
            "exists" => operand.as_bool() == Some(value.is_some()),
            "prefix" => text.is_some_and(|text| text.starts_with(operand_text)),
            "suffix" => text.is_some_and(|text| text.ends_with(operand_text)),
            "equals-ignore-case" => text.is_some_and(|text| text.eq_ignore_ascii_case(operand_text)),
            "anything-but" => {
                value.is_some()
                    && match operand {
                        Value::Array(refused) => !refused.iter().any(|one| value == Some(one)),
                        Value::Object(_) => !meets(operand, value),
                        one => value != Some(one),
                    }
            }
            "numeric" => {
                // DynamoDB's numbers are text in a stream's image.
                let number = value.and_then(Value::as_f64).or_else(|| text?.parse().ok());
                let empty = Vec::new();
                let pairs = operand.as_array().unwrap_or(&empty);
                number.is_some_and(|number| {
                    pairs.chunks(2).all(|pair| {
                        let bound = pair[1].as_f64().unwrap_or(f64::NAN);
                        match pair[0].as_str() {
                            Some("=") => (number - bound).abs() < f64::EPSILON,
                            Some("<") => number < bound,
                            Some("<=") => number <= bound,
                            Some(">") => number > bound,
                            Some(">=") => number >= bound,
                            _ => false,
                        }
                    })
                })
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patterns_select() {
        let event = json!({"eventName": "MODIFY", "dynamodb": {
            "Keys": {"pk": {"S": "tnt_1#lead"}},
            "NewImage": {"kind": {"S": "lead"}, "n": {"N": "7"}, "tags": ["a", "b"]}}});
        let cases = [
            (json!({}), true),
            (json!({"eventName": ["INSERT", "MODIFY"]}), true),
            (json!({"eventName": ["REMOVE"]}), false),
            (
                json!({"dynamodb": {"Keys": {"pk": {"S": [{"suffix": "#lead"}]}}}}),
                true,
            ),
            (
                json!({"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "tnt_2"}]}}}}),
                false,
            ),
            (
                json!({"dynamodb": {"NewImage": {"n": {"N": [{"numeric": [">", 5, "<=", 7]}]}}}}),
                true,
            ),
            (
                json!({"dynamodb": {"NewImage": {"n": {"N": [{"numeric": ["<", 5]}]}}}}),
                false,
            ),
            (json!({"dynamodb": {"OldImage": {"x": [{"exists": false}]}}}), true),
            (
                json!({"dynamodb": {"NewImage": {"kind": {"S": [{"exists": true}]}}}}),
                true,
            ),
            (
                json!({"dynamodb": {"NewImage": {"kind": {"S": [{"anything-but": ["lead"]}]}}}}),
                false,
            ),
            (
                json!({"dynamodb": {"NewImage": {"kind": {"S": [{"anything-but": {"prefix": "x"}}]}}}}),
                true,
            ),
            (json!({"dynamodb": {"NewImage": {"tags": ["b"]}}}), true),
            (json!({"eventName": [{"equals-ignore-case": "modify"}]}), true),
        ];
        for (pattern, expected) in cases {
            assert_eq!(check(&pattern), Ok(()), "{pattern}");
            assert_eq!(matches(&pattern, Some(&event)), expected, "{pattern}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for pattern in [
            json!([]),
            json!({"a": "b"}),
            json!({"a": [{"wildcard": "x*"}]}),
            json!({"a": [{"numeric": ["~", 1]}]}),
            json!({"$or": {"a": ["b"]}}),
        ] {
            assert!(check(&pattern).is_err(), "{pattern}");
        }
    }
}
