-- Eats time or memory with nothing but what honest rules need: the gate lets it pass, the child stops it in time.

-- name: nested replace
select 'x' as resource, length(replace(replace(replace(replace(concat('@x1000@'), 'x', '@x1000@'), 'x', '@x1000@'), 'x', '@x1000@'), 'x', '@x1000@')) = 1 as ok, 'x' as name

-- name: cross join of tables
select 'x' as resource, count(*) > 1 as ok, 'x' as name from account a cross join account b cross join account c cross join account d cross join account e

-- name: join on an expression
select 'x' as resource, count(a.account_key || b.account_key || c.account_key) > 1 as ok, 'x' as name from account a join account b on a.account_key || b.account_key <> 'x' join account c on concat(a.account_key, c.account_key) <> b.account_key join account d on a.rid + d.rid >= c.rid + b.rid

-- name: deep text
select 'x' as resource, length(string_agg(a.account_key || b.account_key || c.account_key, ',' order by a.account_key || b.account_key)) > 1 as ok, 'x' as name from account a cross join account b cross join account c
