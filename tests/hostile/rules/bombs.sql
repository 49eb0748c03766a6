-- Eats time or memory: refused by the gate, and stopped in time by the child without it.

-- name: repeat
select 'x' as resource, length(repeat('x', 3000000000)) = 1 as ok, 'x' as name

-- name: lpad
select 'x' as resource, length(lpad('x', 2000000000, 'y')) = 1 as ok, 'x' as name

-- name: levenshtein
select 'x' as resource, levenshtein(repeat('ab', 400000), repeat('ba', 400000)) = 1 as ok, 'x' as name

-- name: sleep
select 'x' as resource, sleep_ms(60000) is null as ok, 'x' as name

-- name: range as a table
select 'x' as resource, sum(r.range) > 1 as ok, 'x' as name from range(100000000000) r

-- name: range as a list
select 'x' as resource, len(range(10000000000)) > 1 as ok, 'x' as name

-- name: endless recursion
with recursive r(n) as (select 1 union all select n + 1 from r) select 'x' as resource, count(n) > 1 as ok, 'x' as name from r

-- name: recursion without name
with recursive r as (select account_key as n from account union all select n || n from r) select 'x' as resource, max(length(n)) > 1 as ok, 'x' as name from r

-- name: cross join of ranges
select 'x' as resource, count(*) > 1 as ok, 'x' as name from range(10000000) a cross join range(10000000) b

-- name: string_agg of millions
select 'x' as resource, length(string_agg(cast(range as text), ',' order by range)) > 1 as ok, 'x' as name from range(300000000)

-- name: printf padding
select 'x' as resource, length(printf('%2000000000d', 1)) > 1 as ok, 'x' as name

-- name: unnest
select 'x' as resource, count(*) > 1 as ok, 'x' as name from (select unnest(range(5000000000)) as n) as u

-- name: millions of rows as findings
select cast(range as text) as resource, false as ok, 'x' as name from range(100000000)
