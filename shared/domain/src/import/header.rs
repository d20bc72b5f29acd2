//! What columns are likely to mean: by their headings in English and Chinese, else by the look of their values.

use std::collections::BTreeSet;

use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization as _;

use super::{DayOrder, Existing, FieldKind, ImportField, ImportKind, ImportOptions, cell};
use crate::email::Email;
use crate::phone;
use crate::settings::Settings;

/// Headings in use, letters and digits only, by the field they mean. The first field of a kind that has the heading is meant.
const HEADINGS: &[(&str, &[&str])] = &[
    (
        "given_name",
        &["firstname", "givenname", "forename", "vorname", "名", "名字"],
    ),
    (
        "family_name",
        &["lastname", "familyname", "surname", "nachname", "姓", "姓氏"],
    ),
    (
        "customer_email",
        &[
            "customeremail",
            "email",
            "emailaddress",
            "mail",
            "billingemail",
            "buyeremail",
            "客户邮箱",
            "邮箱",
            "电子邮箱",
            "电子邮件",
        ],
    ),
    (
        "customer_external_id",
        &[
            "customerid",
            "customerexternalid",
            "customernumber",
            "customerno",
            "clientid",
            "客户编号",
            "客户id",
            "会员号",
        ],
    ),
    (
        "customer_name",
        &[
            "customer",
            "customername",
            "client",
            "clientname",
            "buyer",
            "buyername",
            "billingname",
            "客户",
            "客户名称",
            "客户姓名",
            "买家",
            "收货人",
            "收货人姓名",
        ],
    ),
    (
        "product_name",
        &[
            "product",
            "productname",
            "item",
            "itemname",
            "lineitemname",
            "description",
            "title",
            "品名",
            "商品",
            "商品名称",
            "产品",
            "产品名称",
            "货品名称",
        ],
    ),
    (
        "company_name",
        &[
            "company",
            "companyname",
            "organisation",
            "organization",
            "organizationname",
            "account",
            "firm",
            "公司",
            "公司名称",
            "单位",
            "企业",
            "企业名称",
        ],
    ),
    (
        "name",
        &[
            "name",
            "fullname",
            "displayname",
            "contactname",
            "contact",
            "姓名",
            "全名",
            "名称",
            "联系人",
            "客户姓名",
            "客户名称",
            "客户",
            "company",
            "companyname",
            "organisation",
            "organization",
            "公司",
            "公司名称",
            "单位名称",
            "企业名称",
            "product",
            "productname",
            "item",
            "itemname",
            "title",
            "商品",
            "商品名称",
            "产品",
            "产品名称",
            "品名",
        ],
    ),
    (
        "email",
        &[
            "email",
            "emailaddress",
            "mail",
            "email1value",
            "primaryemail",
            "workemail",
            "邮箱",
            "电子邮箱",
            "电子邮件",
            "邮件",
            "邮箱地址",
        ],
    ),
    (
        "phone",
        &[
            "phone",
            "phonenumber",
            "telephone",
            "tel",
            "mobile",
            "mobilephone",
            "cell",
            "cellphone",
            "phone1value",
            "workphone",
            "电话",
            "手机",
            "手机号",
            "手机号码",
            "电话号码",
            "联系电话",
            "联系方式",
        ],
    ),
    (
        "title",
        &["title", "jobtitle", "position", "role", "职位", "职务", "头衔"],
    ),
    ("occupation", &["occupation", "profession", "job", "职业"]),
    (
        "birthday",
        &[
            "birthday",
            "birthdate",
            "dateofbirth",
            "dob",
            "bday",
            "生日",
            "出生日期",
        ],
    ),
    ("gender", &["gender", "sex", "性别"]),
    ("locale", &["locale", "language", "语言"]),
    (
        "consent.email",
        &[
            "acceptsmarketing",
            "acceptsemailmarketing",
            "emailconsent",
            "optin",
            "newsletter",
            "subscribed",
            "接受营销",
            "订阅",
        ],
    ),
    ("do_not_contact", &["donotcontact", "donotcall", "勿扰", "请勿联系"]),
    ("kind", &["kind", "type", "companytype", "类型"]),
    ("industry", &["industry", "sector", "branch", "行业"]),
    ("size", &["size", "employees", "companysize", "规模", "人数"]),
    (
        "website",
        &[
            "website", "web", "url", "homepage", "domain", "site", "网站", "网址", "官网",
        ],
    ),
    (
        "tax_id",
        &[
            "taxid",
            "vat",
            "vatid",
            "vatnumber",
            "taxnumber",
            "税号",
            "纳税人识别号",
            "统一社会信用代码",
        ],
    ),
    ("credit_limit", &["creditlimit", "信用额度"]),
    ("terms_days", &["terms", "termsdays", "paymentterms", "账期"]),
    (
        "source",
        &["source", "leadsource", "channel", "来源", "线索来源", "渠道"],
    ),
    ("rating", &["rating", "评级", "等级"]),
    (
        "value",
        &[
            "value",
            "amount",
            "expectedvalue",
            "dealvalue",
            "金额",
            "预计金额",
            "价值",
        ],
    ),
    (
        "sku",
        &[
            "sku",
            "itemno",
            "itemnumber",
            "articleno",
            "articlenumber",
            "productcode",
            "lineitemsku",
            "code",
            "货号",
            "商品编码",
            "产品编号",
            "商品编号",
            "编码",
        ],
    ),
    (
        "category",
        &["category", "productcategory", "group", "类别", "分类", "品类"],
    ),
    (
        "price",
        &[
            "price",
            "unitprice",
            "listprice",
            "saleprice",
            "variantprice",
            "价格",
            "单价",
            "售价",
        ],
    ),
    (
        "cost",
        &[
            "cost",
            "unitcost",
            "costprice",
            "purchaseprice",
            "成本",
            "进价",
            "成本价",
        ],
    ),
    ("unit", &["unit", "uom", "unitofmeasure", "单位"]),
    ("active", &["active", "enabled", "status", "在售", "启用", "上架"]),
    (
        "stock",
        &[
            "stock",
            "inventory",
            "quantity",
            "qty",
            "onhand",
            "库存",
            "库存数量",
            "数量",
        ],
    ),
    (
        "number",
        &[
            "number",
            "order",
            "orderno",
            "ordernumber",
            "orderid",
            "ordername",
            "invoice",
            "invoiceno",
            "invoicenumber",
            "name",
            "订单号",
            "订单编号",
            "单号",
            "编号",
        ],
    ),
    (
        "placed_on",
        &[
            "date",
            "orderdate",
            "placedon",
            "placedat",
            "created",
            "createdat",
            "purchasedate",
            "invoicedate",
            "日期",
            "下单日期",
            "下单时间",
            "订单日期",
            "订单时间",
            "购买日期",
        ],
    ),
    (
        "quantity",
        &[
            "quantity",
            "qty",
            "units",
            "count",
            "lineitemquantity",
            "数量",
            "件数",
            "商品数量",
        ],
    ),
    (
        "unit_price",
        &[
            "unitprice",
            "price",
            "lineitemprice",
            "itemprice",
            "单价",
            "价格",
            "商品单价",
        ],
    ),
    (
        "amount",
        &[
            "amount",
            "total",
            "ordertotal",
            "totalamount",
            "sum",
            "revenue",
            "sales",
            "金额",
            "总额",
            "总价",
            "总金额",
            "实付金额",
            "订单金额",
            "合计",
        ],
    ),
    (
        "paid",
        &[
            "paid",
            "amountpaid",
            "paidamount",
            "financialstatus",
            "paymentstatus",
            "已付",
            "是否付款",
            "付款状态",
            "已付金额",
        ],
    ),
    (
        "shipping",
        &["shipping", "freight", "shippingcost", "delivery", "运费", "邮费"],
    ),
    ("channel", &["channel", "source", "saleschannel", "渠道", "来源"]),
    (
        "status",
        &[
            "status",
            "state",
            "orderstatus",
            "fulfillmentstatus",
            "leadstatus",
            "stage",
            "状态",
            "订单状态",
            "线索状态",
        ],
    ),
    ("currency", &["currency", "currencycode", "币种", "货币"]),
    (
        "address.street",
        &[
            "street",
            "address",
            "address1",
            "addressline1",
            "streetaddress",
            "billingaddress",
            "mailingstreet",
            "地址",
            "街道",
            "详细地址",
            "收货地址",
        ],
    ),
    ("address.city", &["city", "town", "mailingcity", "城市", "市"]),
    (
        "address.region",
        &[
            "state",
            "region",
            "province",
            "county",
            "mailingstate",
            "省",
            "省份",
            "地区",
        ],
    ),
    ("region", &["salesregion", "region", "地区", "区域"]),
    (
        "address.postal_code",
        &[
            "zip",
            "zipcode",
            "postalcode",
            "postcode",
            "plz",
            "mailingzip",
            "邮编",
            "邮政编码",
        ],
    ),
    ("address.country", &["country", "countrycode", "mailingcountry", "国家"]),
    ("country", &["country", "countrycode", "国家"]),
    ("tags", &["tags", "tag", "labels", "label", "groups", "标签"]),
    (
        "note",
        &[
            "note", "notes", "comment", "comments", "remark", "remarks", "memo", "备注", "说明", "附注",
        ],
    ),
    (
        "external_id",
        &[
            "id",
            "externalid",
            "recordid",
            "contactid",
            "uid",
            "customerid",
            "编号",
            "外部编号",
            "客户编号",
        ],
    ),
];

/// A heading for comparing: letters and digits only, wide ones made narrow, in lower case.
fn normal(heading: &str) -> String {
    let letters = heading.nfkc().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).take(100).collect()
}

/// The field that each column is likely to fill. No field is given twice.
#[must_use]
pub fn guess_fields(
    fields: &[ImportField],
    headings: &[String],
    samples: &[Vec<String>],
    settings: &Settings,
) -> Vec<Option<String>> {
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let mut found: Vec<Option<&str>> = vec![None; headings.len()];
    let known = |key: &str| fields.iter().find(|field| field.key == key);
    for (heading, place) in headings.iter().zip(&mut found) {
        let heading = normal(heading);
        if heading.is_empty() {
            continue;
        }
        let own = fields.iter().find(|field| {
            let called = field.label.as_deref().is_some_and(|label| normal(label) == heading);
            called
                || normal(&field.key) == heading
                || field
                    .key
                    .strip_prefix("custom.")
                    .is_some_and(|key| normal(key) == heading)
        });
        let usual = || {
            let words = HEADINGS.iter().filter(|(_, words)| words.contains(&heading.as_str()));
            let mut keys = words
                .filter_map(|(key, _)| known(key))
                .filter(|field| !taken.contains(field.key.as_str()));
            keys.next()
        };
        if let Some(field) = own.filter(|field| !taken.contains(field.key.as_str())).or_else(usual) {
            taken.insert(&field.key);
            *place = Some(&field.key);
        }
    }
    for (values, place) in samples.iter().zip(&mut found) {
        if place.is_some() || values.is_empty() {
            continue;
        }
        let by_look = LOOKS.iter().find(|(key, holds)| {
            known(key).is_some() && !taken.contains(key) && values.iter().all(|value| looks(value, *holds, settings))
        });
        if let Some(field) = by_look.and_then(|(key, _)| known(key)) {
            taken.insert(&field.key);
            *place = Some(&field.key);
        }
    }
    found.into_iter().map(|key| key.map(str::to_owned)).collect()
}

/// Fields that values without a telling heading may fill.
const LOOKS: &[(&str, FieldKind)] = &[
    ("email", FieldKind::Email),
    ("customer_email", FieldKind::Email),
    ("placed_on", FieldKind::Date),
    ("phone", FieldKind::Phone),
    ("amount", FieldKind::Amount),
];

fn looks(value: &str, like: FieldKind, settings: &Settings) -> bool {
    match like {
        FieldKind::Email => Email::parse("", value).is_ok(),
        FieldKind::Date => {
            let any = [DayOrder::Ymd, DayOrder::Dmy, DayOrder::Mdy];
            // Eight digits may as well be a number.
            value.len() > 8 && any.iter().any(|order| cell::day(value, *order).is_some())
        }
        // Short numbers are counts or ids; a telephone number has a country's code or many digits.
        FieldKind::Phone => {
            let digits = value.chars().filter(char::is_ascii_digit).count();
            digits >= 9 && !value.contains('.') && phone::parse("", value, &settings.country).is_ok()
        }
        FieldKind::Amount => {
            let money = value.contains(['.', ',', '¥', '$', '€', '£']);
            money && (cell::amount(value, '.').is_some() || cell::amount(value, ',').is_some())
        }
        _ => false,
    }
}

/// How rows are likely to be understood, by the values of the columns that have a field.
#[must_use]
pub fn guess_options(
    kind: ImportKind,
    fields: &[ImportField],
    guessed: &[Option<String>],
    samples: &[Vec<String>],
    settings: &Settings,
) -> ImportOptions {
    let of_kind = |wanted: &[FieldKind]| -> Vec<&str> {
        let columns = guessed.iter().zip(samples).filter(|(key, _)| {
            let field = key
                .as_ref()
                .and_then(|key| fields.iter().find(|field| field.key == *key));
            field.is_some_and(|field| wanted.contains(&field.kind))
        });
        columns
            .flat_map(|(_, values)| values.iter().map(String::as_str))
            .collect()
    };
    let has = |key: &str| guessed.iter().flatten().any(|known| known == key);
    let days = of_kind(&[FieldKind::Date]);
    let usual = match settings.country.as_str() {
        "US" => DayOrder::Mdy,
        "CN" | "TW" | "HK" | "JP" | "KR" => DayOrder::Ymd,
        _ => DayOrder::Dmy,
    };
    let reads = |order: &DayOrder| days.iter().filter(|day| cell::day(day, *order).is_some()).count();
    let orders = [DayOrder::Dmy, DayOrder::Mdy, DayOrder::Ymd];
    let best = orders.iter().map(&reads).max().unwrap_or(0);
    let day_order = Some(usual)
        .filter(|order| reads(order) == best)
        .or_else(|| orders.into_iter().find(|order| reads(order) == best))
        .unwrap_or(usual);
    let numbers = of_kind(&[FieldKind::Amount, FieldKind::Number]);
    let reads = |mark: char| {
        numbers
            .iter()
            .filter(|number| cell::amount(number, mark).is_some())
            .count()
    };
    let first_match = fields.iter().filter(|field| field.matches);
    let r#match = match kind {
        ImportKind::Orders => "external_id".to_owned(),
        _ => first_match
            .clone()
            .find(|field| has(&field.key))
            .or(first_match.clone().next())
            .map_or_else(String::new, |field| field.key.clone()),
    };
    ImportOptions {
        r#match,
        existing: Existing::default(),
        day_order,
        decimal: if reads(',') > reads('.') { ',' } else { '.' },
        source: "import".to_owned(),
    }
}

/// Whether a first row is data rather than headings: it has an address, a day or an amount in it.
#[must_use]
pub fn is_data(cells: &[String], settings: &Settings) -> bool {
    let filled = cells.iter().filter(|cell| !cell.trim().is_empty());
    filled.clone().any(|cell| {
        let day: Option<Date> = cell::day(cell, DayOrder::Ymd);
        Email::parse("", cell).is_ok() || day.is_some() || looks(cell, FieldKind::Amount, settings)
    })
}

#[cfg(test)]
mod tests {
    use super::super::fields;
    use super::*;

    fn guessed(kind: ImportKind, columns: &[(&str, &[&str])]) -> (Vec<Option<String>>, ImportOptions) {
        let (settings, fields) = (Settings::default(), fields(kind, &[]));
        let headings: Vec<String> = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
        let samples: Vec<Vec<String>> = columns
            .iter()
            .map(|(_, values)| values.iter().map(|value| (*value).to_owned()).collect())
            .collect();
        let found = guess_fields(&fields, &headings, &samples, &settings);
        let options = guess_options(kind, &fields, &found, &samples, &settings);
        (found, options)
    }

    #[test]
    fn headings_are_known_in_english_and_chinese() {
        use ImportKind::{Companies, Contacts, Leads, Orders, Products};
        for (kind, heading, field) in [
            (Contacts, "E-mail", "email"),
            (Contacts, "First Name", "given_name"),
            (Contacts, "姓名", "name"),
            (Contacts, "手机号码", "phone"),
            (Contacts, "ＥＭＡＩＬ", "email"),
            (Contacts, "Zip/Postal code", ""),
            (Contacts, "address_city", "address.city"),
            (Companies, "公司名称", "name"),
            (Companies, "VAT-ID", "tax_id"),
            (Leads, "Company", "company_name"),
            (Leads, "金额", "value"),
            (Products, "货号", "sku"),
            (Products, "Unit price", "price"),
            (Orders, "订单号", "number"),
            (Orders, "Lineitem sku", "sku"),
            (Orders, "客户", "customer_name"),
            (Orders, "Total", "amount"),
            (Orders, "下单时间", "placed_on"),
            (Contacts, "🙂", ""),
        ] {
            let (found, _) = guessed(kind, &[(heading, &[])]);
            assert_eq!(
                found,
                [Some(field.to_owned()).filter(|field| !field.is_empty())],
                "{heading}"
            );
        }
    }

    #[test]
    fn values_tell_where_headings_do_not_and_no_field_comes_twice() {
        let (found, options) = guessed(
            ImportKind::Orders,
            &[
                ("a", &["a@b.co", "c@d.co"]),
                ("b", &["31.12.2026"]),
                ("c", &["1.250,50", "12,00"]),
                ("d", &["x"]),
                ("Total", &["3,50"]),
                ("Total", &["4,50"]),
            ],
        );
        let expected = [
            Some("customer_email"),
            Some("placed_on"),
            None,
            None,
            Some("amount"),
            None,
        ];
        assert_eq!(found, expected.map(|key| key.map(str::to_owned)));
        assert_eq!((options.day_order, options.decimal), (DayOrder::Dmy, ','));
    }
}
