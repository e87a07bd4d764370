# Every mistake in the sources, a line each, by groups of their keys. What a source may hold stands in sources.tf.
#
# A value may be sensitive, and then no message shows it. What decides which resources exist may not be: names, kinds,
# schedules and ARNs of secrets.
#
# What is known only at apply makes its group unknown, never wrong. So `try` and `can` look at single attributes, for they
# are unknown if any part of what they look at is, and conditionals stand where `&&` would be unknown.

locals {
  given_sources = concat([], [
    for list in [nonsensitive(var.sources)] : [for each in list : each]
    if nonsensitive(startswith(jsonencode(list), "["))
  ]...)

  # The sources, their tables and those in lists, each with the key of the source that it belongs to.
  source_parts = [
    for part in flatten([
      for index, source in local.given_sources : [
        { at = "sources[${index}]", key = "", table = "source", value = source },
        [
          for key, value in source :
          { at = "sources[${index}].${key}", key = key, table = try("${key}_${value.kind}", key), value = value }
        ],
        [
          for key, table in local.source_lists : [
            for list in [source[key]] : [
              for place, item in list :
              { at = "sources[${index}].${key}.${place}", key = key, table = table, value = item }
            ]
            if startswith(jsonencode(list), "[")
          ]
          if contains(keys(source), key)
        ],
      ]
      if startswith(jsonencode(source), "{")
    ]) : part
    if contains(local.source_table_names, part.table) ? startswith(jsonencode(part.value), "{") : false
  ]

  # The maps and lists in them, which are tables with one rule for every value, and the names of a map's keys.
  source_maps = flatten([
    for part in local.source_parts : [
      for key in concat(local.source_tables[part.table].maps, local.source_tables[part.table].lists) : [
        for map in [part.value[key]] : [
          { at = "${part.at}.${key}", key = part.key == "" ? key : part.key, table = "${part.table}_${key}", value = map },
          [
            for table in ["${part.table}_${key}_names"] :
            { at = "${part.at}.${key}", key = part.key == "" ? key : part.key, table = table, value = { for each in keys(map) : each => each } }
            if contains(local.source_table_names, table)
          ],
        ]
        if startswith(jsonencode(map), contains(local.source_tables[part.table].lists, key) ? "[" : "{")
      ]
      if contains(keys(part.value), key)
    ]
  ])

  # Every value with its rule.
  source_values = flatten([
    for part in concat(local.source_parts, local.source_maps) : [
      for table in [local.source_tables[part.table]] : [
        for key, value in part.value : {
          at    = "${part.at}.${key}"
          key   = part.key == "" ? key : part.key
          rule  = contains(table.names, key) ? table.keys[key] : table.any
          value = value
        }
        if length(table.names) == 0 || contains(table.names, key)
      ]
    ]
  ])

  source_form_problems = concat(
    [
      for list in [var.sources] : "sources: must be a list of objects, such as [{ name = \"posts\", url = \"https://…\" }]"
      if !startswith(jsonencode(list), "[")
    ],
    [
      for index, source in local.given_sources : "sources[${index}] = ${issensitive(jsonencode(source)) ? "(sensitive)" : jsonencode(source)}: must be an object with the keys of a source"
      if startswith(jsonencode(source), "{") ? false : source != null
    ],
  )

  source_name_problems = [
    for name, same in {
      for part in local.source_parts : part.value.name => part.at...
      if part.key == "" && contains(keys(part.value), "name") ? startswith(jsonencode(part.value["name"]), "\"") : false
    } : "sources.name = ${jsonencode(name)}: is the name of two sources, ${join(" and ", same)}; names must differ"
    if name != "" && length(same) > 1
  ]

  # Without a name there would be no schedule, and nobody would notice.
  source_schedule_problems = [
    for part in local.source_parts :
    "${part.at}${try(part.value.name, null) == null ? "" : ".name = \"\""}: must have a name, because `schedule` is set (README.md)"
    if part.key == "" && try(coalesce(part.value.schedule), "") != "" && try(coalesce(part.value.name), "") == ""
  ]

  source_problems = { for group, checked in local.source_groups : group => nonsensitive(join("\n", flatten([
    contains(checked, "") ? local.source_form_problems : [],
    [
      for part in local.source_parts : [
        for key in ["url", "query", "headers", "body"] : [
          for name, placeholder in local.source_placeholders :
          "${part.at}${placeholder.needs == "pagination" && try(part.value.pagination, null) != null ? ".pagination.kind" : ""}: must have ${placeholder.needs == "pagination" ? "pagination.kind = \"${name}\"" : "`windows`"}, because `{${name}}` stands in `${key}`; write `{{${name}}` if these characters are meant (README.md)"
          if can(regex(placeholder.pattern, jsonencode(part.value[key]))) && (
            placeholder.needs == "pagination" ? try(part.value.pagination.kind, "") != name : try(part.value.windows, null) == null
          )
        ]
        if contains(checked, key) ? contains(keys(part.value), key) : false
      ]
      if part.key == ""
    ],
    [
      for part in local.source_parts : [
        for key, url in {
          "url"            = try(part.value.url, "")
          "auth.token_url" = try(part.value.auth.token_url, "")
          "children.url"   = try(part.value.children.url, "")
          } : [
          for host in [lower(trimsuffix(try(regex("^(?i:https?)://(?:[^/?#@]*@)?(\\[[^]]*\\]|[^:/?#]*)", url)[0], ""), "."))] : [
            for advice, is_refused in {
              "begins with http://: use https://, or set fetch_allow_http = true"               = !var.fetch_allow_http && can(regex("^(?i:http:)", url))
              "has a host that is not in fetch_allowed_hosts: add it there"                     = length(var.fetch_allowed_hosts) > 0 && !anytrue([for each in var.fetch_allowed_hosts : startswith(each, "*.") ? endswith(host, substr(each, 1, -1)) : host == each])
              "has a private address: set fetch_allow_private_networks = true if that is meant" = !var.fetch_allow_private_networks && can(regex(local.private_hosts, host))
            } : "${part.at}.${key}: ${advice}"
            if is_refused && host != ""
          ]
        ]
      ]
      if part.key == "" && contains(checked, "url")
    ],
    [
      for part in local.source_parts : [
        for message, is_wrong in {
          "children: must have a placeholder of its parent, such as {parent.id}, in the request (README.md)" = !can(regex("(^|[^{])({{)*{parent[.}]", jsonencode([for key in ["url", "query", "headers", "body"] : try(part.value.children[key], null)])))
          "children.url: must have the scheme, host and port of `url`" = length(distinct(flatten([
            for url in [try(part.value.url, ""), try(part.value.children.url, "")] : [
              for found in regexall("^(https?)://([^/?#]*?)\\.?(?::0*([0-9]+))?(?:[/?#]|$)", lower(url)) :
              "${found[0]} ${found[1]} ${coalesce(found[2], found[0] == "http" ? "80" : "443")}"
            ]
          ]))) > 1
        } : "${part.at}.${message}"
        if is_wrong
      ]
      if part.key == "" && contains(checked, "url") && can(keys(part.value.children))
    ],
    contains(checked, "name") ? concat(local.source_name_problems, local.source_schedule_problems) : [],
    [
      for part in local.source_parts : [
        for table in [local.source_tables[part.table]] : [
          [
            for key in setsubtract(keys(part.value), table.names) :
            "${part.at}.${key}: is not a key; there are ${join(", ", table.names)}"
            if part.value[key] != null
          ],
          [
            for key in table.required :
            "${part.at}: '${key}' is a required property (README.md)"
            if contains(keys(part.value), key) ? part.value[key] == null : true
          ],
          [
            for rule in table.between : [
              for given in [[for key, value in part.value : key if !contains(local.source_not_given, jsonencode(value))]] : concat(
                length(rule.one_of) == 0 || length(setintersection(given, rule.one_of)) == 1 ? [] : [
                  "${part.at}: needs ${length(rule.one_of) > 1 ? "exactly one of " : ""}${join(", ", rule.one_of)}, because `${rule.key}` is ${rule.is_given ? "set" : "not set"} (README.md)"
                ],
                [
                  for key in setintersection(given, rule.excluded) :
                  "${part.at}.${key}: must not be set, because `${rule.key}` is ${rule.is_given ? "set" : "not set"} (README.md)"
                ],
              )
              if contains(given, rule.key) == rule.is_given
            ]
          ],
        ]
      ]
      if contains(checked, part.key)
    ],
    [
      for each in local.source_values : [
        for text in [jsonencode(each.value)] : [
          for type in [
            startswith(text, "\"") ? "string" : startswith(text, "{") ? "object" : startswith(text, "[") ? "array" :
            contains(["true", "false"], text) ? "boolean" : strcontains(text, ".") ? "number" : "integer"
            ] : [
            for limit in contains(local.source_types[each.rule.type], type) ? concat(
              [
                for string in [each.value] :
                !contains(lookup(each.rule, "choices", [string]), string) ? "choices" :
                length(string) < lookup(each.rule, "min_length", 0) ? "min_length" :
                length(string) > lookup(each.rule, "max_length", length(string)) ? "max_length" :
                !can(regex(lookup(each.rule, "pattern", ""), string)) ? "pattern" :
                contains(keys(each.rule), "forbidden") && can(regex(lookup(each.rule, "forbidden", ""), string)) ? "forbidden" : ""
                if type == "string"
              ],
              [
                for table in [each.value] :
                contains(keys(each.rule), "kinds") && !contains(lookup(each.rule, "kinds", []), try(table.kind, "")) ? "kinds" :
                length(table) < lookup(each.rule, "min_keys", 0) ? "min_keys" :
                length(table) > lookup(each.rule, "max_keys", length(table)) ? "max_keys" : ""
                if type == "object"
              ],
              [
                for list in [each.value] :
                length(list) < lookup(each.rule, "min_items", 0) ? "min_items" :
                length(list) > lookup(each.rule, "max_items", length(list)) ? "max_items" : ""
                if type == "array"
              ],
              [
                for number in [each.value] :
                number < lookup(each.rule, "minimum", number) ? "minimum" :
                number > lookup(each.rule, "maximum", number) ? "maximum" :
                number <= lookup(each.rule, "above", number - 1) ? "above" : ""
                if type == "integer" || type == "number"
              ],
            ) : ["type"] :
            format(
              "%s = %s: must %s (README.md)",
              each.at,
              issensitive(text) ? "(sensitive)" : contains(keys(each.rule), "hidden") ? "(hidden)" : type == "object" ? "{ ${try(join(", ", keys(each.value)), "")} }" : length(text) > 80 ? "${substr(text, 0, 79)}…" : text,
              {
                type       = "be of type ${each.rule.type}"
                choices    = "be one of ${try(join(", ", each.rule.choices), "")}"
                min_length = "have at least ${try(each.rule.min_length, 0)} characters"
                max_length = "have at most ${try(each.rule.max_length, 0)} characters"
                pattern    = try(each.rule.form, "match ${each.rule.pattern}", "")
                forbidden  = "not match ${try(each.rule.forbidden, "")}"
                kinds      = "be of a kind of ${try(join(", ", each.rule.kinds), "")}"
                min_keys   = "have at least ${try(each.rule.min_keys, 0)} keys"
                max_keys   = "have at most ${try(each.rule.max_keys, 0)} keys"
                min_items  = "have at least ${try(each.rule.min_items, 0)} items"
                max_items  = "have at most ${try(each.rule.max_items, 0)} items"
                minimum    = "be at least ${try(each.rule.minimum, 0)}"
                maximum    = "be at most ${try(each.rule.maximum, 0)}"
                above      = "be above ${try(each.rule.above, 0)}"
              }[limit],
            )
            if limit != ""
          ]
        ]
      ]
      if contains(checked, each.key) ? each.value != null : false
    ],
  ]))) }
}
